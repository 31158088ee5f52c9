function options = keops_options()
%KEOPS_OPTIONS  The options of keops_kernel, with their defaults.
%   precision       'double', or 'single' ('float'): the class of all arrays
%   sum_scheme      'auto', or 'direct', 'block', 'kahan' (0, 1, 2): how sums are made
%   use_double_acc  1: sums of single numbers are double until they are complete
%   products        'auto', or 'tf32', 'bf16': sums of many coordinates, faster and less exact on GPUs
%   tagIJ           0: a formula that is no reduction is summed over j, 1: over i
%   tagCpuGpu       0: on the processor, 1: on an NVIDIA GPU
%   device_id       its number
%   threads         0: as many as there are processors, or KEOPSC_NUM_THREADS
%   tag1D2D is taken, for programs of KeOpsLab, and has no effect.
options = struct('precision', 'double', 'sum_scheme', 'auto', 'use_double_acc', 0, 'products', 'auto', 'tagIJ', 0, 'tagCpuGpu', 0, 'device_id', 0, 'threads', 0);
end
