function G = keops_grad(F, variable)
%KEOPS_GRAD  The gradient of a function that keops_kernel made.
%   G = keops_grad(F, 'x') has the arguments of F and one more, of the shape of F's result: the derivative of sum(sum(e .* F(...))) in x is
%   G(..., e), of the shape of x. That in a parameter is its sum over the points. G may be differentiated again.
%
%   Example:
%      F = keops_kernel('Exp(-SqDist(x, y)) * b', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)');
%      G = keops_grad(F, 'x');
%      gradient = G(x, y, b, ones(1, size(x, 2)));
%
%   See also KEOPS_KERNEL.
[declarations, steps, options] = keopsc_source(F);
if ~ischar(variable)
    error('keopsc:arguments', 'expected the name of a variable');
end
G = keopsc_function(declarations, [steps, {sprintf('Grad(keops_%d, %s)', numel(steps), variable)}], options);
end
