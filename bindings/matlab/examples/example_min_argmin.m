function example_min_argmin()
%EXAMPLE_MIN_ARGMIN  The nearest of the points y, and its distance. Row numbers count from 0.
x = randn(3, 100); y = randn(3, 150);
F = keops_kernel('Min_ArgMin_Reduction(SqDist(x, y), 0)', 'x = Vi(3)', 'y = Vj(3)');
[distance, number] = F(x, y);
[expected, place] = min(squared_distances(x, y), [], 2);
compare('the distance of the nearest', distance, expected', 1e-13);
compare('its number', number + 1, place', 0);
nearest = y(:, number + 1);
compare('the nearest itself', sum((x - nearest).^2, 1), expected', 1e-13);
end
