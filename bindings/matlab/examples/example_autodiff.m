function example_autodiff()
%EXAMPLE_AUTODIFF  Gradients in points, weights and a parameter, and a gradient of a gradient.
x = randn(3, 60); y = randn(3, 80); b = randn(2, 80); p = 0.25; e = randn(2, 60);
F = keops_kernel('Exp(-p * SqDist(x, y)) * b', 'p = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(2)');
K = exp(-p * squared_distances(x, y));
W = K .* (e' * b); % each pair's share of sum(e .* F)

Gx = keops_grad(F, 'x');
Gy = keops_grad(F, 'y');
Gb = keops_grad(F, 'b');
Gp = keops_grad(F, 'p');
compare('the gradient in x', Gx(p, x, y, b, e), -2 * p * (x .* sum(W, 2)' - y * W'), 1e-13);
compare('the gradient in y', Gy(p, x, y, b, e), -2 * p * (y .* sum(W, 1) - x * W), 1e-13);
compare('the gradient in b', Gb(p, x, y, b, e), e * K, 1e-13);
compare('the gradient in p', Gp(p, x, y, b, e), -sum(sum(squared_distances(x, y) .* W)), 1e-13);

% The gradient in x, in the direction d, differentiated in b.
d = randn(3, 60);
Gxb = keops_grad(Gx, 'b');
S = -2 * p * K .* (sum(d .* x, 1)' - d' * y);
compare('the gradient in x and b', Gxb(p, x, y, b, e, d), e * S, 1e-12);
end
