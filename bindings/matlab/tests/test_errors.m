function test_errors()
% What cannot be computed is refused by a named error, and nothing else happens.
F = keops_kernel('Exp(-p * SqDist(x, y)) * b', 'p = Pm(1)', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)');
x = randn(3, 5); y = randn(3, 7); b = randn(1, 7); p = 0.5;

refused('keopsc:arguments', '3 arrays given: expected 4', @() F(p, x, y));
refused('keopsc:arguments', '5 arrays given: expected 4', @() F(p, x, y, b, b));
refused('keopsc:arguments', '2 results asked for', @() two(F, p, x, y, b));
refused('keopsc:shape', 'x is 5 x 3: expected 3 x M, a column for each i', @() F(p, x', y, b));
refused('keopsc:shape', 'b is 7 x 1: expected 1 x N, a column for each j', @() F(p, x, y, b'));
refused('keopsc:shape', 'b is 1 x 6: expected 7 columns, as in y', @() F(p, x, y, b(1:6)));
refused('keopsc:shape', 'p is 1 x 2: expected 1 x 1, a parameter', @() F([p p], x, y, b));
refused('keopsc:shape', 'p is 0 x 0', @() F([], x, y, b));
refused('keopsc:shape', 'x is 0 x 0', @() F(p, [], y, b));

refused('keopsc:class', 'x is single: expected double', @() F(p, single(x), y, b));
refused('keopsc:class', 'x is sparse', @() F(p, sparse(x), y, b));
refused('keopsc:class', 'x is complex', @() F(p, complex(x, x), y, b));
refused('keopsc:class', 'b is int32: expected double', @() F(p, x, y, int32(b)));
refused('keopsc:class', 'b is logical', @() F(p, x, y, b > 0));
refused('keopsc:class', 'b is char', @() F(p, x, y, 'abcdefg'));
refused('keopsc:class', 'b is cell', @() F(p, x, y, {b}));
refused('keopsc:class', 'b is struct', @() F(p, x, y, struct('b', b)));
refused('keopsc:class', 'p is int32: expected double', @() F(int32(1), x, y, b));
in_single = keops_kernel('x * y', 'x = Vi(1)', 'y = Vj(1)', struct('precision', 'single'));
refused('keopsc:class', 'x is double: expected single', @() in_single(1, 2));

refused('keopsc:formula', 'did you mean `Exp`?', @() keops_kernel('Expp(x - y)', 'x = Vi(3)', 'y = Vj(3)'));
refused('keopsc:formula', '`z`', @() keops_kernel('x - z', 'x = Vi(3)'));
refused('keopsc:formula', 'Vi(position, dim)', @() keops_kernel('x', 'x = Vi(3, 4, 5)'));
refused('keopsc:formula', 'expected a declaration', @() keops_kernel('x', 'x = Vi(3, dtype=f32)'));
refused('keopsc:formula', 'position 0 belongs to `x` already', @() keops_kernel('x - y', 'x = Vi(0, 3)', 'y = Vj(0, 3)'));
refused('keopsc:formula', 'places of arguments', @() keops_kernel('x - y', 'x = Vi(0, 3)', 'y = Vj(2, 3)'));
refused('keopsc:formula', 'position 1 belongs to `x` already', @() keops_kernel('x - y', 'x = Vi(1, 3)', 'y = Vj(3)'));
refused('keopsc:arguments', 'expected one formula', @() keops_kernel('x = Vi(3)', 'y = Vj(3)'));
refused('keopsc:arguments', 'expected one formula', @() keops_kernel('x', 'y', 'x = Vi(3)'));
refused('keopsc:arguments', 'expected texts', @() keops_kernel('x', 'x = Vi(3)', 3));
refused('keopsc:options', 'no option precisoin', @() keops_kernel('x', 'x = Vi(3)', struct('precisoin', 'single')));
refused('keopsc:options', 'precision is none of double, single, float', @() keops_kernel('x', 'x = Vi(3)', struct('precision', 'half')));
refused('keopsc:options', 'tagCpuGpu is none of 0, 1', @() keops_kernel('x', 'x = Vi(3)', struct('tagCpuGpu', 2)));
refused('keopsc:options', 'threads is no number', @() keops_kernel('x', 'x = Vi(3)', struct('threads', -1)));
refused('keopsc:options', 'device_id is no number', @() keops_kernel('x', 'x = Vi(3)', struct('device_id', {{}})));
refused('keopsc:arguments', 'keops_kernel or keops_grad returned', @() keops_grad(@sin, 'x'));
refused('keopsc:arguments', 'keops_kernel or keops_grad returned', @() keops_grad(@(x) x, 'x'));
refused('keopsc:formula', '`q`', @() keops_grad(F, 'q'));

refused('keopsc:arguments', 'keops_kernel returns', @() keopsc_mex());
refused('keopsc:arguments', 'keops_kernel returns', @() keopsc_mex('run'));
refused('keopsc:handle', 'make it again', @() keopsc_mex(uint64(0), 1));
refused('keopsc:library', 'nothing.so', @() keopsc_mex('manifest', '/nothing.so'));

named = getenv('KEOPSC');
setenv('KEOPSC', '/no/such/file');
refused('keopsc:build', 'KEOPSC is /no/such/file, which is no file', @() keops_kernel('5 * x - y', 'x = Vi(7)', 'y = Vj(7)'));
setenv('KEOPSC', named);

% A quote cannot leave the formula.
refused('keopsc:formula', 'error', @() keops_kernel('x''; echo y; ''', 'x = Vi(3)'));
end

function two(F, varargin)
[~, ~] = F(varargin{:});
end
