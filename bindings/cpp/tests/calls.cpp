// Calls of keopsc.hpp against a double loop: `calls FOLDER`, where FOLDER has calls.kf compiled for each storage type, or `calls FOLDER gpu`,
// where it has it with code for GPUs.
// Exits with a message that names the line that failed.
#include "keopsc.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#define REQUIRE(condition)                                                                                                             \
    do {                                                                                                                               \
        if (!(condition)) {                                                                                                            \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                       \
            std::exit(1);                                                                                                              \
        }                                                                                                                              \
    } while (false)

namespace {

constexpr std::size_t M = 7, N = 11, D = 3;

// Numbers between -1 and 1 that differ.
template <class T>
std::vector<T> numbers(std::size_t count, double seed) {
    std::vector<T> result(count);
    for (std::size_t k = 0; k < count; k++)
        result[k] = static_cast<T>(std::sin(seed + 1.7 * static_cast<double>(k)));
    return result;
}

template <class T>
std::vector<T> transposed(const std::vector<T> &matrix, std::size_t rows) {
    const std::size_t columns = matrix.size() / rows;
    std::vector<T> result(matrix.size());
    for (std::size_t r = 0; r < rows; r++)
        for (std::size_t c = 0; c < columns; c++)
            result[c * rows + r] = matrix[r * columns + c];
    return result;
}

template <class T>
double squared_distance(const T *a, const T *b) {
    double sum = 0;
    for (std::size_t d = 0; d < D; d++)
        sum += std::pow(double(a[d]) - double(b[d]), 2);
    return sum;
}

// conv, by a double loop over the pairs for which `counts` holds.
template <class T, class Counts>
std::vector<double> plain_sums(const std::vector<T> &x, const std::vector<T> &y, const std::vector<T> &b, double sigma, Counts counts) {
    std::vector<double> sums(x.size() / D);
    for (std::size_t i = 0; i < sums.size(); i++)
        for (std::size_t j = 0; j < b.size(); j++)
            if (counts(i, j))
                sums[i] += std::exp(-squared_distance(&x[D * i], &y[D * j]) / (sigma * sigma)) * double(b[j]);
    return sums;
}

template <class T>
std::vector<double> plain_sums(const std::vector<T> &x, const std::vector<T> &y, const std::vector<T> &b, double sigma) {
    return plain_sums(x, y, b, sigma, [](std::size_t, std::size_t) { return true; });
}

template <class T>
bool near(const std::vector<T> &found, const std::vector<double> &expected, double tolerance) {
    if (found.size() != expected.size())
        return false;
    for (std::size_t k = 0; k < found.size(); k++)
        if (!(std::abs(double(found[k]) - expected[k]) <= tolerance * (1 + std::abs(expected[k]))))
            return false;
    return true;
}

// What `call` throws.
template <class Call>
std::string refusal(std::int32_t status, Call call) {
    try {
        call();
    } catch (const keopsc::Error &error) {
        REQUIRE(error.status() == status);
        return error.what();
    }
    return "no exception";
}

// The members of std::mdspan that are used, with any strides.
template <class T>
struct Mdspan {
    T *data;
    std::array<std::size_t, 2> extents, steps;

    T *data_handle() const { return data; }
    static constexpr std::size_t rank() { return 2; }
    std::size_t extent(std::size_t axis) const { return extents[axis]; }
    std::size_t stride(std::size_t axis) const { return steps[axis]; }
};

// std::span of C++20.
template <class T>
struct Span {
    T *first;
    std::size_t count;

    T *data() const { return first; }
    std::size_t size() const { return count; }
};

template <class T>
void test_layouts(const keopsc::Library &library, double tolerance) {
    const keopsc::Function conv = library["conv"];
    const std::vector<T> x = numbers<T>(M * D, 0), y = numbers<T>(N * D, 0.3), b = numbers<T>(N, 0.6);
    const T sigma = T(0.75);
    const std::vector<double> expected = plain_sums(x, y, b, 0.75);

    std::vector<T> result(M);
    conv(x, y, b, sigma, result);
    REQUIRE(near(result, expected, tolerance));
    const std::vector<T> bits = result;

    result.assign(M, T(0));
    conv(Span<const T>{x.data(), x.size()}, y, b, T(0.75), Span<T>{result.data(), M});
    REQUIRE(result == bits);

    const std::vector<T> x_columns = transposed(x, M), y_columns = transposed(y, N);
    result.assign(M, T(0));
    conv(keopsc::column_major(x_columns.data(), M, D), keopsc::column_major(y_columns.data(), N, D), b, sigma, result);
    REQUIRE(result == bits);

    result.assign(M, T(0));
    conv(Mdspan<const T>{x_columns.data(), {M, D}, {1, M}}, keopsc::row_major(y.data(), N, D), b, sigma, Mdspan<T>{result.data(), {M, 1}, {1, 1}});
    REQUIRE(result == bits);

    std::vector<std::array<T, D>> points(M);
    for (std::size_t k = 0; k < M * D; k++)
        points[k / D][k % D] = x[k];
    REQUIRE(conv.template result<T>(points, y, b, sigma) == bits);

    T matrix[M][D];
    std::copy(x.begin(), x.end(), &matrix[0][0]);
    REQUIRE(conv.template result<T>(matrix, y, b, sigma) == bits);

    // Rows from the last to the first.
    result.assign(M, T(0));
    conv(keopsc::strided(&x[(M - 1) * D], {M, D}, {-std::int64_t(D), 1}), y, b, sigma, keopsc::strided(&result[M - 1], {M, 1}, {-1, 1}));
    REQUIRE(result == bits);

    // The gradient of a column-major result.
    const std::vector<T> cotangent(M, T(1)), gradient = library["conv_x"].template result<T>(x, y, b, sigma, cotangent);
    std::vector<T> columns(M * D);
    library["conv_x"](x, y, b, sigma, cotangent, keopsc::column_major(columns.data(), M, D));
    REQUIRE(columns == transposed(gradient, M));
}

template <class Number>
void test_16_bits(const keopsc::Library &library, std::uint16_t one) {
    std::vector<Number> x(M * D, Number{0}), y(N * D, Number{0}), b(N, Number{one}), sigma(1, Number{one});
    std::vector<Number> result = library["conv"].result<Number>(x, y, b, sigma);
    std::vector<Number> total(M);
    library["total"](b, total);
    for (std::size_t i = 0; i < M; i++)
        REQUIRE(result[i].bits == total[i].bits && result[i].bits != 0);
}

void test_complex(const keopsc::Library &library) {
    using Complex = std::complex<double>;
    const std::vector<Complex> z{{1, 2}, {3, -1}}, w{{0, 1}, {2, 0}, {1, 1}};
    const std::vector<Complex> found = library["dot"].result<Complex>(z, w);
    for (std::size_t i = 0; i < z.size(); i++)
        REQUIRE(std::abs(found[i] - z[i] * (w[0] + w[1] + w[2])) < 1e-14);
}

void test_results(const keopsc::Library &library) {
    const std::vector<float> x = numbers<float>(M * D, 0), y = numbers<float>(N * D, 0.3);
    const std::vector<std::int64_t> nn = library["nn"].result<std::int64_t>(x, y);
    std::vector<float> distances(2 * M);
    std::vector<std::int64_t> rows(2 * M);
    library["nearest2"](x, y, distances, rows);
    for (std::size_t i = 0; i < M; i++) {
        REQUIRE(rows[2 * i] == nn[i]);
        REQUIRE(distances[2 * i] <= distances[2 * i + 1]);
        for (std::size_t j = 0; j < N; j++)
            REQUIRE(squared_distance(&x[D * i], &y[D * j]) >= squared_distance(&x[D * i], &y[D * std::size_t(nn[i])]));
    }

    // Nothing but the result tells M.
    float total = 0;
    const std::vector<float> b(N, 0.5f);
    library["total"](b, total);
    REQUIRE(total == 0.5f * N);
    keopsc::Options options;
    options.rows_i = 3;
    REQUIRE(library["total"].with(options).result<float>(b) == std::vector<float>(3, total));

    // No rows are no pointer, but still a shape.
    REQUIRE(library["nn"].result<std::int64_t>(std::vector<float>(), y).empty());
    REQUIRE(library["nn"].result<std::int64_t>(x, std::vector<float>()) == std::vector<std::int64_t>(M, -1));
}

void test_options(const keopsc::Library &library) {
    const keopsc::Function conv = library["conv"];
    constexpr std::int64_t batch = 2, rows = M, columns = N, dim = D;
    const std::vector<float> x = numbers<float>(2 * M * D, 0), y = numbers<float>(N * D, 0.3), b = numbers<float>(N, 0.6);
    std::vector<float> result(2 * M);

    // Two batch elements share y and b, and have a sigma of their own each.
    const std::vector<float> sigma{0.5f, 1.0f};
    conv(keopsc::strided(x.data(), {batch, rows, dim}), keopsc::strided(y.data(), {columns, dim}), keopsc::strided(b.data(), {batch, columns, 1}, {0, 1, 1}),
         keopsc::strided(sigma.data(), {batch, 1}), keopsc::strided(result.data(), {batch, rows, 1}));
    for (std::size_t k = 0; k < 2; k++) {
        const std::vector<float> element(x.begin() + std::ptrdiff_t(k * M * D), x.begin() + std::ptrdiff_t((k + 1) * M * D));
        const std::vector<float> found(result.begin() + std::ptrdiff_t(k * M), result.begin() + std::ptrdiff_t((k + 1) * M));
        REQUIRE(near(found, plain_sums(element, y, b, double(sigma[k])), 1e-6));
        keopsc::Options options;
        options.threads = 2;
        REQUIRE(conv.with(options).result<float>(element, y, b, sigma[k]) == found);
    }
}

void test_ranges(const keopsc::Library &library) {
    const std::vector<float> x = numbers<float>(M * D, 0), y = numbers<float>(N * D, 0.3), b = numbers<float>(N, 0.6);
    // The first 4 rows see the first 6 columns, the others the rest.
    const keopsc::Blocks blocks = library.blocks({0, 4, 4, M}, {0, 6, 6, N}, {1, 0, 0, 1});
    const keopsc::Ranges ranges = blocks;
    keopsc::Options options;
    options.ranges = &ranges;
    const std::vector<float> found = library["conv"].with(options).result<float>(x, y, b, 0.75f);
    REQUIRE(near(found, plain_sums(x, y, b, 0.75, [](std::size_t i, std::size_t j) { return (i < 4) == (j < 6); }), 1e-6));

    const keopsc::Blocks outside = library.blocks({0, 4, 4, M + 1}, {0, 6, 6, N}, {1, 0, 0, 1});
    const keopsc::Ranges wrong = outside;
    options.ranges = &wrong;
    REQUIRE(refusal(KEOPS_RANGES, [&] { library["conv"].with(options).result<float>(x, y, b, 0.75f); }).find("ranges_i") != std::string::npos);
    REQUIRE(refusal(KEOPS_SHAPE, [&] { library.blocks({0, 4}, {0, 6}, {1, 1}); }) == "keep: expected 1 x 1 numbers, given 2");
}

void test_errors(const std::string &folder, const keopsc::Library &library) {
    const keopsc::Function conv = library["conv"];
    const std::vector<float> x = numbers<float>(M * D, 0), y = numbers<float>(N * D, 0.3), b = numbers<float>(N, 0.6);
    std::vector<float> result(M);
    const std::vector<float> constant(M);
    const float sigma = 0.75f;

    REQUIRE(refusal(KEOPS_SHAPE, [&] { conv(x, keopsc::row_major(y.data(), 5, 2), b, sigma, result); }) ==
            "conv: tensor y: expected shape (batch..., N, 3), given shape (5, 2)");
    REQUIRE(refusal(KEOPS_SHAPE, [&] { conv(Span<const float>{x.data(), 10}, y, b, sigma, result); }) ==
            "conv: tensor x: expected shape (batch..., M, 3), given shape (10,)");
    std::vector<float> short_result(M - 1);
    REQUIRE(refusal(KEOPS_SHAPE, [&] { conv(x, y, b, sigma, short_result); }).find("result conv: expected shape (batch..., 7, 1), given shape (6, 1)") != std::string::npos);
    REQUIRE(refusal(KEOPS_DTYPE, [&] { conv(x, y, b, 0.75, result); }).find("sigma") != std::string::npos);
    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { conv(x, y, b, sigma); }).find("conv") != std::string::npos);
    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { conv(x, y, b, sigma, constant); }) ==
            "conv: tensor conv is a result, and what was given for it is const");
    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { conv.result<float>(x, y, b); }) == "conv: expected 4 tensors and one result, given 3");
    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { library["total"].result<float>(b); }) ==
            "total: no tensor tells the number of rows: set rows_i or rows_j");
    REQUIRE(refusal(KEOPS_UNSUPPORTED, [&] { conv.result<float>(keopsc::strided(x.data(), {1, M, D}), y, b, sigma); }).find("batch") != std::string::npos);
    const float *nothing = nullptr;
    REQUIRE(refusal(KEOPS_NULL_POINTER, [&] { conv(keopsc::row_major(nothing, M, D), y, b, sigma, result); }).find("tensor x") != std::string::npos);
    keopsc::Tensor elsewhere = keopsc::row_major(x.data(), M, D);
    elsewhere.device = {2, 0};
    REQUIRE(refusal(KEOPS_DEVICE, [&] { conv(elsewhere, y, b, sigma, result); }).find("tensor") != std::string::npos);

    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { library["convolution"]; }) ==
            "library calls has no function convolution, but conv, conv_x, nn, nearest2, total");
    REQUIRE(refusal(KEOPS_ARGUMENTS, [&] { keopsc::Library(folder + "/nothing.so"); }).find("nothing.so") != std::string::npos);
    REQUIRE(refusal(KEOPS_UNSUPPORTED, [&] { keopsc::Library("libc.so.6"); }).find("keops_module_v1") != std::string::npos);
}

// Memory of the processor, through a GPU and back.
void test_gpu(const keopsc::Library &library) {
    const std::vector<float> x = numbers<float>(M * D, 0), y = numbers<float>(N * D, 0.3), b = numbers<float>(N, 0.6);
    keopsc::Options options;
    options.device = {2, 0};
    REQUIRE(near(library["conv"].with(options).result<float>(x, y, b, 0.75f), plain_sums(x, y, b, 0.75), 1e-6));
    options.device = {2, 50};
    REQUIRE(refusal(KEOPS_DEVICE, [&] { library["conv"].with(options).result<float>(x, y, b, 0.75f); }).find("50") != std::string::npos);
}

// A function outlives its library, describes itself, and may be called by several threads.
void test_lifetime(const std::string &folder) {
    const keopsc::Function total = keopsc::Library(folder + "/libcalls.so")["total"];
    REQUIRE(total.formula() == "total = Sum[j](b)");
    REQUIRE(total.tensors().size() == 2 && total.tensors()[0].name == "b" && total.tensors()[0].role == keopsc::Role::j);
    REQUIRE(total.tensors()[1].is_output() && total.tensors()[1].dtype == "f32" && total.tensors()[1].role == keopsc::Role::i);
    std::vector<std::thread> threads;
    for (int k = 1; k <= 4; k++)
        threads.emplace_back([&total, k] {
            const std::vector<float> b(100, float(k));
            float sum = 0;
            total(b, sum);
            REQUIRE(sum == float(100 * k));
        });
    for (std::thread &thread : threads)
        thread.join();
}

} // namespace

int main(int count, char **arguments) {
    REQUIRE(count == 2 || count == 3);
    const std::string folder = arguments[1];
    const keopsc::Library library(folder + "/libcalls.so");
    if (count == 3) {
        test_gpu(library);
        return 0;
    }
    REQUIRE(library.name() == "calls" && !library.target().empty());
    test_layouts<float>(library, 1e-6);
    test_layouts<double>(keopsc::Library(folder + "/libcalls_f64.so"), 1e-15);
    test_16_bits<keopsc::Half>(keopsc::Library(folder + "/libcalls_f16.so"), 0x3c00);
    test_16_bits<keopsc::BFloat16>(keopsc::Library(folder + "/libcalls_bf16.so"), 0x3f80);
    test_complex(keopsc::Library(folder + "/libcomplex.so"));
    test_results(library);
    test_options(library);
    test_ranges(library);
    test_errors(folder, library);
    test_lifetime(folder);
    return 0;
}
