function path = keopsc_compiler()
%KEOPSC_COMPILER  Where the compiler is: $KEOPSC, where make install put it, the checkout's target/release, or PATH.
toolbox = fileparts(fileparts(mfilename('fullpath')));
path = getenv('KEOPSC');
if ~isempty(path)
    if exist(path, 'file') ~= 2
        error('keopsc:build', 'the environment variable KEOPSC is %s, which is no file', path);
    end
    return
end
candidates = {fullfile(toolbox, '..', '..', '..', 'bin', 'keopsc'), fullfile(toolbox, '..', '..', 'target', 'release', 'keopsc')};
for k = 1:numel(candidates)
    if exist(candidates{k}, 'file') == 2
        path = candidates{k};
        return
    end
end
path = 'keopsc';
end
