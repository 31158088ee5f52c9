function example_convolution()
%EXAMPLE_CONVOLUTION  Sums of radial kernels, in both classes of floating-point numbers.
x = randn(3, 200); y = randn(3, 300); b = randn(2, 300); s = 0.8;
D = squared_distances(x, y) / s^2;
kernels = {'Gauss',                 'Exp(-SqDist(x, y) / Square(s))',               exp(-D)
           'Laplace',               'Exp(-Sqrt(SqDist(x, y)) / s)',                 exp(-sqrt(D))
           'Cauchy',                'Inv(1 + SqDist(x, y) / Square(s))',            1 ./ (1 + D)
           'inverse multiquadric',  'Rsqrt(1 + SqDist(x, y) / Square(s))',          1 ./ sqrt(1 + D)};
for k = 1:size(kernels, 1)
    declarations = {'x = Vi(3)', 'y = Vj(3)', 'b = Vj(2)', 's = Pm(1)'};
    F = keops_kernel([kernels{k, 2} ' * b'], declarations{:});
    compare([kernels{k, 1} ', double'], F(x, y, b, s), b * kernels{k, 3}', 1e-13);
    F = keops_kernel([kernels{k, 2} ' * b'], declarations{:}, struct('precision', 'single'));
    found = F(single(x), single(y), single(b), s);
    assert(isa(found, 'single'));
    compare([kernels{k, 1} ', single'], found, b * kernels{k, 3}', 1e-5);
end
end
