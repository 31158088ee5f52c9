function compare(name, found, expected, tolerance)
% Prints how far a result is from what plain Matlab finds, and refuses what is too far.
assert(isequal(size(found), size(expected)), '%s has the wrong size', name);
difference = max(abs(double(found(:)) - expected(:))) / max(1, max(abs(expected(:))));
fprintf('%-36s differs from plain Matlab by %.1e\n', name, difference);
assert(difference <= tolerance, '%s differs by %g', name, difference);
end
