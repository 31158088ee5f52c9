function overhead()
%OVERHEAD  Microseconds of a call where there is next to nothing to compute: 10 points x, 10 points y.
%   Beside it a function handle that does nothing, and the gateway without the handle. bindings/cpp/bench/overhead.cpp has the C function's.
F = keops_kernel('Exp(-SqDist(x, y) / Square(s)) * b', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)', 's = Pm(1)');
details = functions(F);
token = details.workspace{1}.kernel.token;
nothing = @(varargin) [];
x = randn(3, 10); y = randn(3, 10); b = randn(1, 10); s = 0.5;
least = inf(1, 3);
calls = 2000;
for round = 1:20
    tic;
    for k = 1:calls
        a = F(x, y, b, s); %#ok<NASGU>
    end
    least(1) = min(least(1), toc);
    tic;
    for k = 1:calls
        a = keopsc_mex(token, x, y, b, s); %#ok<NASGU>
    end
    least(2) = min(least(2), toc);
    tic;
    for k = 1:calls
        a = nothing(x, y, b, s); %#ok<NASGU>
    end
    least(3) = min(least(3), toc);
end
fprintf('F(x, y, b, s)              %5.1f us\nkeopsc_mex(token, ...)      %5.1f us\na handle that does nothing  %5.1f us\n', 1e6 * least / calls);
end
