function example_shooting()
%EXAMPLE_SHOOTING  Geodesic shooting of landmarks: points q and momenta p move by the Hamiltonian H(q, p) = 1/2 sum <p_i, p_j> k(q_i, q_j).
N = 40; c = 2; steps = 20;
q = randn(2, N); p = randn(2, N) / N;
velocity = keops_kernel('GaussKernel(c, x, y, b)', 'c = Pm(1)', 'x = Vi(2)', 'y = Vj(2)', 'b = Vj(2)');
force = keops_grad(velocity, 'x');

[q_end, p_end] = shoot(q, p, steps, @(q, p) velocity(c, q, q, p), @(q, p) force(c, q, q, p, p));
[q_plain, p_plain] = shoot(q, p, steps, @(q, p) p * gauss(q, c), @(q, p) plain_force(q, p, c));
compare('the landmarks at the end', q_end, q_plain, 1e-13);
compare('the momenta at the end', p_end, p_plain, 1e-13);

before = sum(sum(p .* velocity(c, q, q, p)));
after = sum(sum(p_end .* velocity(c, q_end, q_end, p_end)));
assert(abs(after - before) < 1e-3 * before, 'the Hamiltonian is not kept');
end

function [q, p] = shoot(q, p, steps, velocity, force)
% Heun's method over the unit of time.
h = 1 / steps;
for k = 1:steps
    dq = velocity(q, p);
    dp = -force(q, p);
    q_next = q + h * dq;
    p_next = p + h * dp;
    q = q + h / 2 * (dq + velocity(q_next, p_next));
    p = p + h / 2 * (dp - force(q_next, p_next));
end
end

function K = gauss(q, c)
K = exp(-c * squared_distances(q, q));
end

function G = plain_force(q, p, c)
W = gauss(q, c) .* (p' * p);
G = -2 * c * (q .* sum(W, 2)' - q * W');
end
