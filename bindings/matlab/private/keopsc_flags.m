function text = keopsc_flags(options)
%KEOPSC_FLAGS  Options -> flags of `keopsc compile`. Refuses what no option may be.
%   Names, and the numbers that KeOpsLab had for them.
precision = choice(options, 'precision', {'double', 'single', 'float'}, {'f64', 'f32', 'f32'});
sums = choice(options, 'sum_scheme', {'auto', 'direct', 'block', 'kahan', 0, 1, 2}, {'auto', 'direct', 'block', 'kahan', 'direct', 'block', 'kahan'});
accumulators = choice(options, 'use_double_acc', {0, 1}, {'auto', 'f64'});
products = choice(options, 'products', {'auto', 'tf32', 'bf16'}, {'auto', 'tf32', 'bf16'});
targets = choice(options, 'tagCpuGpu', {0, 1}, {'native', 'native,cuda'});
choice(options, 'tagIJ', {0, 1}, {'', ''});
require_count(options, 'threads');
require_count(options, 'device_id');
text = sprintf('--dtype %s --sum %s --accumulate %s --products %s --target %s', precision, sums, accumulators, products, targets);
end

function text = choice(options, name, values, texts)
found = cellfun(@(value) isequal(options.(name), value), values);
if ~any(found)
    error('keopsc:options', 'the option %s is none of %s', name, strjoin(cellfun(@num2str, values, 'UniformOutput', false), ', '));
end
text = texts{find(found, 1)};
end

function require_count(options, name)
value = options.(name);
if ~isnumeric(value) || ~isscalar(value) || value < 0 || value ~= fix(value)
    error('keopsc:options', 'the option %s is no number 0, 1, 2, ...', name);
end
end
