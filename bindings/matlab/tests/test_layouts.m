function test_layouts()
% Arrays as Matlab and Octave hold them: empty ones, ranges, diagonal matrices, slices, and axes of batches.
F = keops_kernel('Exp(-p * SqDist(x, y)) * b', 'p = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(2)');
x = randn(3, 5); y = randn(3, 7); b = randn(2, 7);
close_to(F(0.3, x, y, b), gauss(0.3, x, y, b), 1e-14);
close_to(F(0.3, x, y(:, 2:2:6), b(:, 1:3)), gauss(0.3, x, y(:, 2:2:6), b(:, 1:3)), 1e-14);
close_to(F(1, eye(3), eye(3), [1:3; 4:6]), gauss(1, full(eye(3)), full(eye(3)), [1 2 3; 4 5 6]), 1e-14);
close_to(F(0.3, x, zeros(3, 0), zeros(2, 0)), zeros(2, 5), 0);
close_to(F(0.3, zeros(3, 0), y, b), zeros(2, 0), 0);

% The result does not share memory with another one, and arguments stay as they are.
first = F(0.3, x, y, b);
copy = first + 0;
F(0.5, x, y, b);
assert(isequal(first, copy));

% Batches: x has 4 elements, p has 3, so that results have 3 x 4.
p = rand(1, 1, 3); x = randn(3, 5, 1, 4);
found = F(p, x, y, b);
assert(isequal(size(found), [2 5 3 4]));
for k = 1:3
    for l = 1:4
        close_to(found(:, :, k, l), gauss(p(k), x(:, :, 1, l), y, b), 1e-14);
    end
end
refused('keopsc:shape', 'x is 3 x 5 x 2', @() F(p, x(:, :, [1 1]), y, b));
end

function a = gauss(p, x, y, b)
D = zeros(size(x, 2), size(y, 2));
for d = 1:3
    D = D + (x(d, :)' - y(d, :)).^2;
end
a = b * exp(-p * D)';
end
