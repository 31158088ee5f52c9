function path = keopsc_compiler()
%KEOPSC_COMPILER  Where the compiler is: $KEOPSC, where make install put it, the checkout's target/release, or PATH.
toolbox = fileparts(fileparts(mfilename('fullpath')));
candidates = {getenv('KEOPSC'), fullfile(toolbox, '..', '..', '..', 'bin', 'keopsc'), fullfile(toolbox, '..', '..', 'target', 'release', 'keopsc')};
for k = 1:numel(candidates)
    if exist(candidates{k}, 'file') == 2
        path = candidates{k};
        return
    end
end
path = 'keopsc';
end
