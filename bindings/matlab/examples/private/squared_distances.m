function D = squared_distances(x, y)
% |x_i - y_j|^2 for points that are columns, as a full matrix.
D = zeros(size(x, 2), size(y, 2));
for d = 1:size(x, 1)
    D = D + (x(d, :)' - y(d, :)).^2;
end
end
