function F = keopsc_function(declarations, steps, options)
%KEOPSC_FUNCTION  Declarations and formulas -> a function handle.
%   steps{1} is a reduction, each further one may use the one before, as keops_1, keops_2, ...; the last is the result.
%   What was made before in this session is there at once.
persistent made
if isempty(made)
    made = containers.Map();
end
texts = [ready_made(steps{1}), declarations];
for k = 1:numel(steps) - 1
    texts{end + 1} = sprintf('keops_%d = %s', k, steps{k}); %#ok<AGROW>
end
texts{end + 1} = sprintf('out result = %s', steps{end});
text = strjoin(texts, sprintf('\n'));
flags = keopsc_flags(options);
place = [options.threads, 2 * options.tagCpuGpu, options.device_id]; % how keopsc_mex calls it, and on which type of device
key = sprintf('%s %d %d %d %s', flags, place, text);
if ~isKey(made, key)
    made(key) = make(text, flags, place, declarations, steps, options);
end
F = made(key);
end

function texts = ready_made(formula)
% The definitions of GaussKernel and its relatives, where a formula has one of them.
texts = {};
if ~isempty(regexp(formula, '\w+Kernel\s*\(', 'once'))
    texts = {'use kernels'};
end
end

function F = make(text, flags, place, declarations, steps, options)
if exist('keopsc_mex', 'file') ~= 3
    keopsc_build();
end
library = keopsc_compile(text, flags);
manifest = jsondecode(keopsc_mex('manifest', library));
[names, inputs, results] = match(declarations, manifest.entries(1).tensors, options);
token = keopsc_mex('load', library, 'result', names, inputs, results, place);
kernel = struct('token', token, 'declarations', {declarations}, 'steps', {steps}, 'options', options);
F = @(varargin) keopsc_mex(kernel.token, varargin{:});
end

function [names, inputs, results] = match(declarations, tensors, options)
% The tables that keopsc_mex reads: what is declared, in its order, then cotangents; and the results.
if isstruct(tensors)
    tensors = num2cell(tensors);
end
[names, inputs] = read_declarations(declarations, options);
results = zeros(4, 0);
for k = 1:numel(tensors)
    tensor = tensors{k};
    role = find(strcmp(tensor.role, {'i', 'j', 'parameter'})) - 1;
    type = find(strcmp(tensor.dtype, {'f32', 'f64', 'i64'})) - 1;
    column = [role; prod(tensor.shape); type; k - 1];
    place = find(strcmp(tensor.name, names));
    if strcmp(tensor.kind, 'output')
        results(:, end + 1) = column; %#ok<AGROW>
    elseif isempty(place)
        names{end + 1} = tensor.name; %#ok<AGROW>
        inputs(:, end + 1) = column; %#ok<AGROW>
    else
        inputs(:, place) = column;
    end
end
end

function [names, inputs] = read_declarations(declarations, options)
% Arguments that the formula does not mention stay as they are declared: the tensor is -1.
parts = regexp(declarations, '^\s*(\w+)\s*=\s*(\w+)\s*\(\s*(?:(\d+)\s*,\s*)?(\d+)\s*\)\s*$', 'tokens', 'once');
wrong = find(cellfun(@isempty, parts), 1);
if ~isempty(wrong)
    error('keopsc:formula', '%s: expected a declaration such as x = Vi(3)', declarations{wrong});
end
count = numel(parts);
names = cell(1, count);
inputs = zeros(4, count);
for k = 1:count
    place = k;
    if numel(parts{k}) == 4 && ~isempty(parts{k}{3})
        place = str2double(parts{k}{3}) + 1;
    end
    if place > count % that no two have one place, the compiler has seen
        error('keopsc:formula', '%s: places of arguments go from 0 to %d', declarations{k}, count - 1);
    end
    names{place} = parts{k}{1};
    role = find(strcmp(parts{k}{2}, {'Vi', 'Vx', 'Vj', 'Vy', 'Pm'}));
    inputs(:, place) = [floor((role - 1) / 2); str2double(parts{k}{end}); strcmp(options.precision, 'double'); -1];
end
end
