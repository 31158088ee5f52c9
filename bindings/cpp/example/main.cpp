// Climbs the density of points on two clusters, from between them: mean shift, by the value and gradient of a compiled formula.
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include <keopsc.hpp>

#include "density.h"

int main() {
    using Point = std::array<double, 2>;
    std::vector<Point> y;
    for (int k = 0; k < 200; k++)
        y.push_back({(k % 2 ? 3 : -3) + std::cos(k), std::sin(3 * k)});

    // The library is linked with the program; keopsc::Library("libdensity.so") would load it at run time.
    const keopsc::Library library = keopsc::Library::containing(density_strerror);
    const keopsc::Function density = library["density"], slope = library["slope"];

    const double sigma = 1;
    std::vector<Point> x{{-1, 0.5}, {1, 0.5}}, direction(x.size());
    std::vector<double> value(x.size());
    const std::vector<double> one(x.size(), 1);
    for (int step = 0; step < 100; step++) {
        density(x, y, sigma, value);
        slope(x, y, sigma, one, direction);
        for (std::size_t i = 0; i < x.size(); i++)
            for (std::size_t d = 0; d < 2; d++)
                x[i][d] += sigma * sigma * direction[i][d] / value[i];
    }
    for (std::size_t i = 0; i < x.size(); i++)
        std::printf("a peak at (%.3f, %.3f), where the density is %.4f\n", x[i][0], x[i][1], value[i]);

    try {
        density(x, keopsc::column_major(&y[0][0], 50, 3), sigma, value);
    } catch (const keopsc::Error &error) {
        std::printf("refused: %s\n", error.what());
    }
}
