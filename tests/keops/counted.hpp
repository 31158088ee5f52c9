// A number that counts what is done with it, to be put in the place of `double` in KeOps' generated code.
// Classes: additions, products, comparisons and signs; divisions; square roots; exponentials; logarithms; trigonometric functions.
// Powers count as one exponential and one logarithm.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

enum Class { arithmetic, division, square_root, exponential, logarithm, trigonometric, classes };
static long counted[classes];

struct Counted {
    double value;
    Counted(double number = 0) : value(number) {}
    explicit operator float() const { return (float)value; }
};

static Counted count(Class kind, double value, int times = 1) {
    counted[kind] += times;
    return value;
}

static Counted operator+(Counted a, Counted b) { return count(arithmetic, a.value + b.value); }
static Counted operator-(Counted a, Counted b) { return count(arithmetic, a.value - b.value); }
static Counted operator*(Counted a, Counted b) { return count(arithmetic, a.value * b.value); }
static Counted operator/(Counted a, Counted b) { return count(division, a.value / b.value); }
static Counted operator-(Counted a) { return count(arithmetic, -a.value); }
static Counted &operator+=(Counted &a, Counted b) { return a = a + b; }
static Counted &operator*=(Counted &a, Counted b) { return a = a * b; }

static bool compared(bool answer) {
    counted[arithmetic]++;
    return answer;
}
static bool operator<(Counted a, Counted b) { return compared(a.value < b.value); }
static bool operator>(Counted a, Counted b) { return compared(a.value > b.value); }
static bool operator<=(Counted a, Counted b) { return compared(a.value <= b.value); }
static bool operator>=(Counted a, Counted b) { return compared(a.value >= b.value); }
static bool operator==(Counted a, Counted b) { return compared(a.value == b.value); }

static Counted sqrt(Counted a) { return count(square_root, std::sqrt(a.value)); }
static Counted exp(Counted a) { return count(exponential, std::exp(a.value)); }
static Counted log(Counted a) { return count(logarithm, std::log(a.value)); }
static Counted sin(Counted a) { return count(trigonometric, std::sin(a.value)); }
static Counted cos(Counted a) { return count(trigonometric, std::cos(a.value)); }
static Counted fma(Counted a, Counted b, Counted c) { return count(arithmetic, a.value * b.value + c.value, 2); }
static Counted pow(Counted a, Counted b) {
    counted[logarithm]++;
    return count(exponential, std::pow(a.value, b.value));
}

// What the second of two columns costs: all arguments are rows of different numbers between 1 and 2.
template <typename Kernel> int per_pair(Kernel kernel) {
    std::vector<Counted> numbers(4096);
    for (size_t k = 0; k < numbers.size(); k++) numbers[k] = 1 + std::fmod(0.6180339887 * k, 1.0);
    std::vector<Counted *> arguments;
    for (int k = 0; k < 16; k++) arguments.push_back(&numbers[128 * k]);
    std::vector<Counted> result(64);
    long first[classes];
    for (long columns = 1; columns <= 2; columns++) {
        std::memset(counted, 0, sizeof counted);
        kernel(1, columns, result.data(), arguments.data());
        if (columns == 1) std::memcpy(first, counted, sizeof first);
    }
    for (int kind = 0; kind < classes; kind++) std::printf("%ld\n", counted[kind] - first[kind]);
    return 0;
}
