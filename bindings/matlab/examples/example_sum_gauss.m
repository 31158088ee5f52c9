function example_sum_gauss()
%EXAMPLE_SUM_GAUSS  A sum of Gaussians of several widths: sum over j of sum over k of w_k exp(-c_k |x_i - y_j|^2) b_j.
x = randn(3, 100); y = randn(3, 150); b = randn(3, 150);
c = [0.5; 1; 2; 4]; w = [0.4; 0.3; 0.2; 0.1];
F = keops_kernel('SumGaussKernel(c, w, x, y, b)', 'c = Pm(4)', 'w = Pm(4)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(3)');
K = zeros(100, 150);
for k = 1:4
    K = K + w(k) * exp(-c(k) * squared_distances(x, y));
end
compare('the sum of four Gaussians', F(c, w, x, y, b), b * K', 1e-13);
end
