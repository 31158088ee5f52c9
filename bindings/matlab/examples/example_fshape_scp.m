function example_fshape_scp()
%EXAMPLE_FSHAPE_SCP  The scalar product of two functional shapes: points x with a signal f and a normal u, whose length is an area.
%   <X, Y> = sum over i and j of exp(-|x_i - y_j|^2 / sx^2) exp(-(f_i - g_j)^2 / sf^2) <u_i, v_j>^2 / (|u_i| |v_j|)
M = 120; N = 90; sx = 0.9; sf = 0.6;
x = randn(3, M); f = randn(1, M); u = randn(3, M);
y = randn(3, N); g = randn(1, N); v = randn(3, N);
declarations = {'x = Vi(3)', 'y = Vj(3)', 'f = Vi(1)', 'g = Vj(1)', 'u = Vi(3)', 'v = Vj(3)', 'sx = Pm(1)', 'sf = Pm(1)'};
F = keops_kernel('Exp(-SqDist(x, y) / Square(sx)) * Exp(-SqDist(f, g) / Square(sf)) * Square((u|v)) * Rsqrt(SqNorm2(u) * SqNorm2(v))', declarations{:});
K = exp(-squared_distances(x, y) / sx^2 - squared_distances(f, g) / sf^2) .* (u' * v).^2 ./ (sqrt(sum(u.^2, 1))' .* sqrt(sum(v.^2, 1)));
compare('the scalar product', sum(F(x, y, f, g, u, v, sx, sf)), sum(K(:)), 1e-13);

% Its derivatives in points and signals.
Gx = keops_grad(F, 'x');
Gf = keops_grad(F, 'f');
e = ones(1, M);
compare('the derivative in points', Gx(x, y, f, g, u, v, sx, sf, e), -2 / sx^2 * (x .* sum(K, 2)' - y * K'), 1e-12);
compare('the derivative in signals', Gf(x, y, f, g, u, v, sx, sf, e), -2 / sf^2 * (f .* sum(K, 2)' - g * K'), 1e-12);
end
