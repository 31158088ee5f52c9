function example_kmin_argkmin()
%EXAMPLE_KMIN_ARGKMIN  The three nearest of the points y.
x = randn(3, 100); y = randn(3, 150);
F = keops_kernel('KMin_ArgKMin_Reduction(SqDist(x, y), 3, 0)', 'x = Vi(3)', 'y = Vj(3)');
[distances, numbers] = F(x, y);
[sorted, places] = sort(squared_distances(x, y), 2);
compare('the three distances', distances, sorted(:, 1:3)', 1e-13);
compare('the three numbers', numbers + 1, places(:, 1:3)', 0);
end
