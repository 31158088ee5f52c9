function run_tests(folder)
%RUN_TESTS  Every test_*.m here and every example, with a gateway compiled into a folder; ends Octave with 1 where one failed.
tests = fileparts(mfilename('fullpath'));
toolbox = fileparts(tests);
examples = fullfile(toolbox, 'examples');
addpath(toolbox, examples, tests, folder);
keopsc_build(folder);
files = [dir(fullfile(tests, 'test_*.m')); dir(fullfile(examples, 'example_*.m'))];
failed = 0;
for k = 1:numel(files)
    name = files(k).name(1:end - 2);
    rand('twister', k); randn('twister', k); %#ok<RAND>
    try
        feval(name);
        fprintf('ok      %s\n', name);
    catch problem
        failed = failed + 1;
        fprintf('FAILED  %s: %s\n', name, problem.message);
        for place = problem.stack(:)'
            fprintf('        %s, line %d\n', place.name, place.line);
        end
    end
end
fprintf('%d of %d passed\n', numel(files) - failed, numel(files));
exit(failed > 0);
end
