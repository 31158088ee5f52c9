function example_generic_example()
%EXAMPLE_GENERIC_EXAMPLE  Kernels of points and of directions: sum over j of <u_i, v_j>^2 exp(-p |x_i - y_j|^2) b_j.
M = 100; N = 150; p = 0.25;
x = randn(3, M); y = randn(3, N); u = randn(4, M); v = randn(4, N); b = randn(3, N);
F = keops_kernel('x = Vi(3)', 'y = Vj(3)', 'u = Vi(4)', 'v = Vj(4)', 'b = Vj(3)', 'p = Pm(1)', 'Square((u|v)) * Exp(-p * SqNorm2(x - y)) * b');
compare('the kernel sum', F(x, y, u, v, b, p), ((u' * v).^2 .* exp(-p * squared_distances(x, y)) * b')', 1e-13);
end
