function F = keops_kernel(varargin)
%KEOPS_KERNEL  A function that reduces a formula over all pairs of points, without storing them.
%   F = keops_kernel(formula, 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)', 'p = Pm(1)', ...) is called with the arrays in the order in which they
%   are declared, a = F(x, y, b, p). Points are columns: x is 3 x M, y is 3 x N, b is 1 x N, and the result has a column for each of M (or N).
%   'x = Vi(0, 3)' gives the place of an argument explicitly. More axes are batches, which broadcast.
%
%   The formula is KeOps' ('Sum_Reduction(Exp(-p * SqDist(x, y)) * b, 0)': over j, a column for each i; 1: over i) or keopsc's
%   ('Sum[j](Exp(-p * SqDist(x, y)) * b)'). One that is no reduction is summed over j. It may also be the last argument but one.
%   GaussKernel(c, x, y, b) and the other kernels of the library `kernels` are known.
%   Reductions that choose have row numbers as a second result, [value, number] = F(...), of class int64 and counted from 0.
%
%   F = keops_kernel(..., options) takes a struct of options: see keops_options.
%   The formula is compiled when it is first used on a machine, and afterwards comes from a cache.
%
%   Example:
%      F = keops_kernel('Exp(-p * SqDist(x, y)) * b', 'p = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)');
%      a = F(0.25, randn(3, 1000), randn(3, 2000), rand(1, 2000));
%
%   See also KEOPS_GRAD, KEOPS_OPTIONS.
[texts, options] = take_options(varargin);
is_declaration = ~cellfun(@isempty, regexp(texts, '^\s*\w+\s*=\s*(V[ijxy]|Pm)\s*\(', 'once'));
if sum(~is_declaration) ~= 1
    error('keopsc:arguments', 'expected one formula beside the declarations, such as ''x = Vi(3)'', given %d', sum(~is_declaration));
end
formula = texts{~is_declaration};
if isempty(regexp(formula, '_Reduction\s*\(|\w\s*\[\s*[ij]\s*[,\]]', 'once'))
    formula = sprintf('Sum_Reduction(%s, %d)', formula, options.tagIJ);
end
F = keopsc_function(texts(is_declaration), {formula}, options);
end

function [texts, options] = take_options(inputs)
options = keops_options();
is_string = cellfun(@isstring, inputs); % Matlab's strings; Octave has none
inputs(is_string) = cellfun(@char, inputs(is_string), 'UniformOutput', false);
is_text = cellfun(@(input) ischar(input) && size(input, 1) == 1, inputs);
texts = inputs(is_text);
others = inputs(~is_text);
if isempty(others)
    return
end
if numel(others) > 1 || ~isstruct(others{1}) || ~isscalar(others{1})
    error('keopsc:arguments', 'expected texts and at most one struct of options');
end
given = fieldnames(others{1});
for k = 1:numel(given)
    if ~isfield(options, given{k}) && ~strcmp(given{k}, 'tag1D2D')
        error('keopsc:options', 'there is no option %s: see keops_options', given{k});
    end
    options.(given{k}) = others{1}.(given{k});
end
end
