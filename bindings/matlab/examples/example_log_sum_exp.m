function example_log_sum_exp()
%EXAMPLE_LOG_SUM_EXP  log(sum over j of exp(F)), also where the exponentials overflow.
x = 30 * randn(3, 100); y = 30 * randn(3, 150);
F = keops_kernel('LogSumExp_Reduction((x | y), 0)', 'x = Vi(3)', 'y = Vj(3)');
S = x' * y;
m = max(S, [], 2);
compare('the log-sum-exp', F(x, y), (m + log(sum(exp(S - m), 2)))', 1e-13);
end
