function example_generic_syntax()
%EXAMPLE_GENERIC_SYNTAX  A formula of KeOps' tutorial, summed over j and over i: sum of (p - a_j)^2 exp(x_i + y_j).
M = 100; N = 150;
x = randn(3, M); y = randn(3, N); a = randn(1, N); p = 0.7;
formula = 'Square(p - a) * Exp(x + y)';
declarations = {'x = Vi(3)', 'y = Vj(3)', 'a = Vj(1)', 'p = Pm(1)'};

over_j = keops_kernel(['Sum_Reduction(' formula ', 0)'], declarations{:});
over_i = keops_kernel(['Sum_Reduction(' formula ', 1)'], declarations{:});
compare('the sum over j', over_j(x, y, a, p), exp(x) .* sum((p - a).^2 .* exp(y), 2), 1e-13);
compare('the sum over i', over_i(x, y, a, p), (p - a).^2 .* exp(y) .* sum(exp(x), 2), 1e-13);
end
