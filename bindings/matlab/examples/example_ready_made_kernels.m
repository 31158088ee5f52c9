function example_ready_made_kernels()
%EXAMPLE_READY_MADE_KERNELS  GaussKernel and its relatives, of KeOps 1; a field without divergence, and one without curl.
M = 60; N = 80; c = 0.7; l = 0.3;
x = randn(3, M); y = randn(3, N); b = randn(3, N);
D = squared_distances(x, y);
G = exp(-c * D);
scalar_kernels = {'GaussKernel', G
                  'LaplaceKernel', exp(-c * sqrt(D))
                  'CauchyKernel', 1 ./ (1 + c * D)
                  'InverseMultiquadricKernel', 1 ./ sqrt(1 / c + D)};
for k = 1:size(scalar_kernels, 1)
    F = keops_kernel([scalar_kernels{k, 1} '(c, x, y, b)'], 'c = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(3)');
    compare(scalar_kernels{k, 1}, F(c, x, y, b), b * scalar_kernels{k, 2}', 1e-13);
end

% Sums over j of g(r^2) b + h(r^2) <b, x - y> (x - y).
P = x' * b - sum(y .* b, 1); % <b_j, x_i - y_j>
along = @(W) x .* sum(W .* P, 2)' - y * (W .* P)';
div_free = b * (G .* (2 / (2 * c) - D))' + along(G);
curl_free = b * G' / (2 * c) - along(G);
vector_kernels = {'DivFreeGaussKernel(c, x, y, b)', div_free
                  'CurlFreeGaussKernel(c, x, y, b)', curl_free
                  'TRIGaussKernel(l, c, x, y, b)', l * div_free + (1 - l) * curl_free};
for k = 1:size(vector_kernels, 1)
    F = keops_kernel(vector_kernels{k, 1}, 'c = Pm(1)', 'l = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(3)');
    compare(vector_kernels{k, 1}, F(c, l, x, y, b), vector_kernels{k, 2}, 1e-12);
end
F = keops_kernel('Divergence(Sum_Reduction(DivFreeGaussKernel(c, x, y, b), 0), x)', 'c = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(3)');
compare('the divergence', F(c, x, y, b), zeros(1, M), 1e-12);
end
