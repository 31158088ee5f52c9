// What a call through keopsc.hpp costs beside the plain C function, where there is next to nothing to compute. From the root:
//
//     keopsc compile samples/gauss.kf -o libgauss.so
//     g++ -O2 -std=c++17 -I. -Iruntime/include -Ibindings/cpp/include bindings/cpp/bench/overhead.cpp -L. -lgauss -Wl,-rpath,. -ldl -o overhead
//     ./overhead
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "gauss.h"
#include "keopsc.hpp"

// Nanoseconds a call, the least mean of 30 rounds.
template <class Call>
double nanoseconds(Call call) {
    constexpr int rounds = 30, calls = 10000;
    double least = 1e9;
    for (int round = 0; round < rounds; round++) {
        const auto begin = std::chrono::steady_clock::now();
        for (int k = 0; k < calls; k++)
            call();
        const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
        least = std::min(least, time.count() / calls);
    }
    return least;
}

int main() {
    constexpr int points = 10;
    const std::vector<float> x(3 * points, 0.1f), y(3 * points, 0.2f), b(points, 1);
    const float sigma = 0.5f;
    std::vector<float> result(points);
    const keopsc::Function conv = keopsc::Library::containing(gauss_strerror)["conv"];
    std::printf("gauss_conv   %4.0f ns\n", nanoseconds([&] { gauss_conv(points, points, x.data(), y.data(), b.data(), &sigma, result.data()); }));
    std::printf("conv         %4.0f ns\n", nanoseconds([&] { conv(x, y, b, sigma, result); }));
    std::printf("conv.result  %4.0f ns\n", nanoseconds([&] { result = conv.result<float>(x, y, b, sigma); }));
}
