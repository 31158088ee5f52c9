function example_select_device(tagCpuGpu)
%EXAMPLE_SELECT_DEVICE  The same sum on the processor, example_select_device(0), or on the first NVIDIA GPU, example_select_device(1).
if nargin < 1
    tagCpuGpu = 0;
end
x = randn(3, 1000); y = randn(3, 2000); b = randn(1, 2000);
options = struct('tagCpuGpu', tagCpuGpu, 'device_id', 0);
F = keops_kernel('Exp(-SqDist(x, y)) * b', 'x = Vi(3)', 'y = Vj(3)', 'b = Vj(1)', options);
compare('the sum', F(x, y, b), b * exp(-squared_distances(x, y))', 1e-13);
end
