function test_special_values()
% NaN, infinities and results of nothing are what docs/reductions.md says.
x = [0 1 2]; y = [0 NaN 1];
F = keops_kernel('x + y', 'x = Vi(1)', 'y = Vj(1)');
close_to(F(x, y), [NaN NaN NaN], 0);
close_to(F([0 NaN Inf], [0 1]), [1 NaN Inf], 0);
close_to(F(NaN, zeros(1, 0)), 0, 0);
F = keops_kernel('Min_ArgMin_Reduction(Square(x - y), 0)', 'x = Vi(1)', 'y = Vj(1)');
[value, number] = F(x, y);
close_to(value, [0 0 1], 0);
assert(isequal(number, int64([0 2 2])));
[value, number] = F(x, zeros(1, 0));
close_to(value, [Inf Inf Inf], 0);
assert(isequal(number, int64([-1 -1 -1])));
F = keops_kernel('LogSumExp_Reduction(x * y, 0)', 'x = Vi(1)', 'y = Vj(1)');
close_to(F([1 -1], [-Inf 0]), [0 Inf], 0);
close_to(F(1, zeros(1, 0)), -Inf, 0);
F = keops_kernel('x * p', 'x = Vi(1)', 'p = Pm(1)', 'y = Vj(1)');
close_to(F(x, NaN, y), [NaN NaN NaN], 0);
end
