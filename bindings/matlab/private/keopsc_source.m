function [declarations, steps, options] = keopsc_source(F)
%KEOPSC_SOURCE  What keopsc_function made a function of.
if isa(F, 'function_handle')
    details = functions(F);
    if isfield(details, 'workspace') && ~isempty(details.workspace) && isfield(details.workspace{1}, 'kernel')
        kernel = details.workspace{1}.kernel;
        declarations = kernel.declarations;
        steps = kernel.steps;
        options = kernel.options;
        return
    end
end
error('keopsc:arguments', 'expected a function that keops_kernel or keops_grad returned');
end
