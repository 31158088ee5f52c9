function path = keopsc_compile(text, flags)
%KEOPSC_COMPILE  The text of a formula file -> the path of its library, from the cache of keopsc or compiled into it.
errors = [tempname() '.txt'];
[status, output] = system(sprintf('%s compile --cached %s -e %s 2> %s', quoted(keopsc_compiler()), flags, quoted(text), quoted(errors)));
message = strtrim(fileread(errors));
delete(errors);
if status ~= 0
    error('keopsc:formula', '%s', message);
end
path = strtrim(output);
end

function text = quoted(text)
text = ['''' strrep(text, '''', '''\''''') ''''];
end
