function close_to(found, expected, tolerance)
% Of the same size, and no further apart than rounding allows. NaNs and infinities have to agree.
assert(isequal(size(found), size(expected)), 'the size is %s, and should be %s', mat2str(size(found)), mat2str(size(expected)));
found = double(found(:));
expected = double(expected(:));
special = ~isfinite(expected);
assert(isequaln(found(special), expected(special)), 'numbers that are not finite differ');
assert(all(abs(found(~special) - expected(~special)) <= tolerance * (1 + abs(expected(~special)))), 'the values differ');
end
