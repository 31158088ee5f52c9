function example_accuracy()
%EXAMPLE_ACCURACY  The schemes of summation, of 100000 single numbers, beside the same sum in double.
N = 100000;
x = randn(3, 10); y = randn(3, N); b = rand(1, N);
declarations = {'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)'};
formula = 'Sum_Reduction(Exp(-SqDist(x, y)) * b, 0)';
in_double = keops_kernel(formula, declarations{:});
x = single(x); y = single(y); b = single(b);
expected = in_double(double(x), double(y), double(b));

schemes = {'auto', 'direct', 'block', 'kahan'};
tolerances = [1e-6, 1e-3, 1e-5, 1e-6];
for k = 1:numel(schemes)
    F = keops_kernel(formula, declarations{:}, struct('precision', 'single', 'sum_scheme', schemes{k}));
    compare(['single, ' schemes{k}], F(x, y, b), expected, tolerances(k));
end
F = keops_kernel(formula, declarations{:}, struct('precision', 'single', 'use_double_acc', 1));
compare('single, accumulated in double', F(x, y, b), expected, 1e-6);
end
