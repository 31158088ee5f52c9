function refused(identifier, text, call)
% The call ends with an error of that identifier, whose message has the text.
try
    call();
catch problem
    assert(strcmp(problem.identifier, identifier), 'the identifier is %s, and should be %s: %s', problem.identifier, identifier, problem.message);
    assert(~isempty(strfind(problem.message, text)), 'the message is "%s", without "%s"', problem.message, text); %#ok<STREMP>
    return
end
error('keopsc_tests:accepted', 'an error %s was expected', identifier);
end
