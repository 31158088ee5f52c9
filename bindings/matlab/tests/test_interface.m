function test_interface()
% The ways in which a kernel can be asked for.
x = randn(2, 5); y = randn(2, 7); b = randn(1, 7);
expected = b * exp(-((x(1, :)' - y(1, :)).^2 + (x(2, :)' - y(2, :)).^2))';
declarations = {'x = Vi(2)', 'y = Vj(2)', 'b = Vj(1)'};
formula = 'Exp(-SqDist(x, y)) * b';

% The formula first or last, in KeOps' language or in keopsc's, with options of both names.
F = {keops_kernel(formula, declarations{:}), ...
     keops_kernel(declarations{:}, formula), ...
     keops_kernel(declarations{:}, formula, struct('tagIJ', 0, 'tag1D2D', 1, 'sum_scheme', 2)), ...
     keops_kernel(['Sum_Reduction(' formula ', 0)'], declarations{:}, struct('sum_scheme', 'kahan', 'products', 'tf32', 'threads', 2)), ...
     keops_kernel(['Sum[j](' formula ')'], 'x=Vx(2)', 'y  =  Vy( 2 )', 'b = Vj(1)', keops_options())};
for k = 1:numel(F)
    close_to(F{k}(x, y, b), expected, 1e-14);
end

% Over i; places of arguments; arguments that the formula does not mention, which may tell the number of columns.
F = keops_kernel('Exp(-SqDist(x, y))', 'x = Vi(2)', 'y = Vj(2)', struct('tagIJ', 1));
assert(isequal(size(F(x, y)), [1 7]));
F = keops_kernel(formula, 'x = Vi(2, 2)', 'y = Vj(0, 2)', 'b = Vj(1, 1)');
close_to(F(y, b, x), expected, 1e-14);
F = keops_kernel('Sum_Reduction(b, 0)', 'x = Vi(2)', 'unused = Pm(3)', 'b = Vj(1)');
close_to(F(x, [1 2 3], b), sum(b) * ones(1, 5), 1e-14);
F = keops_kernel('Sum_Reduction(b, 0)', 'b = Vj(1)');
close_to(F(b), sum(b), 1e-14);

% Parameters are columns or rows, and of either class of floating-point numbers.
F = keops_kernel('Sum_Reduction((p | x - y), 0)', 'p = Pm(2)', 'x = Vi(2)', 'y = Vj(2)');
expected = sum([0.5 2] * x, 1) * 7 - [0.5 2] * sum(y, 2);
assert(isequal(F([0.5; 2], x, y), F([0.5 2], x, y), F(single([0.5 2]), x, y)));
close_to(F([0.5 2], x, y), expected, 1e-13);
G = keops_grad(F, 'p');
close_to(G([0.5 2], x, y, ones(1, 5)), 7 * sum(x, 2) - 5 * sum(y, 2), 1e-13);

% Classes of results; a second one is left out where it is not asked for.
F = keops_kernel('Min_ArgMin_Reduction(SqDist(x, y), 0)', 'x = Vi(2)', 'y = Vj(2)', struct('precision', 'float'));
[value, number] = F(single(x), single(y));
assert(isa(value, 'single') && isa(number, 'int64') && isequal(value, F(single(x), single(y))));

% One formula may be asked for again, and many functions may be there at once.
kept = cell(1, 20);
for k = 1:20
    kept{k} = keops_kernel(sprintf('%d * x * y', mod(k, 4)), 'x = Vi(1)', 'y = Vj(1)');
end
for k = 1:20
    close_to(kept{k}(1:3, 1:2), mod(k, 4) * 3 * (1:3), 1e-14);
end
end
