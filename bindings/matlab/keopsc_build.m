function keopsc_build(folder)
%KEOPSC_BUILD  Compiles the gateway keopsc_mex, once for all formulas.
%   keopsc_build puts it beside this file, keopsc_build(folder) into a folder, which must be on the path.
%   It needs the C compiler that mex is set up with.
toolbox = fileparts(mfilename('fullpath'));
if nargin < 1
    folder = toolbox;
end
headers = {fullfile(toolbox, '..', '..', 'runtime', 'include'), fullfile(toolbox, '..', '..', '..', 'include')}; % in a checkout, and installed
found = cellfun(@(header) exist(fullfile(header, 'keopsc_abi.h'), 'file') == 2, headers);
if ~any(found)
    error('keopsc:build', 'keopsc_abi.h is neither in %s nor in %s', headers{:});
end
headers = headers(found);
mex(['-I' headers{1}], '-output', fullfile(folder, 'keopsc_mex'), fullfile(toolbox, 'keopsc_mex.c'), '-ldl');
rehash
end
