// Calls libraries that keopsc compiled, from C++17: typed, checked, without copies.
//
//     keopsc::Library gauss("./libgauss.so");
//     keopsc::Function conv = gauss["conv"];
//     conv(x, y, b, 0.5f, result);                       // the tensors in the order of the header, results last
//
// A tensor is whatever has data() and size() (a vector, an array, a std::span: row after row), an mdspan, a number, or memory described by
// row_major, column_major or strided. Nothing is copied. A call that fails throws keopsc::Error with the library's message, which names the
// tensor, the shape it should have and the shape it has. docs/cpp.md has examples.
#ifndef KEOPSC_HPP
#define KEOPSC_HPP

#include <algorithm>
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include "keopsc_abi.h"

namespace keopsc {

// What a library, or this file, refuses. `status` is one of KEOPS_NULL_POINTER, KEOPS_SHAPE, ...
class Error : public std::runtime_error {
public:
    Error(std::int32_t status, const std::string &message) : std::runtime_error(message), status_(status) {}
    std::int32_t status() const noexcept { return status_; }

private:
    std::int32_t status_;
};

// ------------------------------------------------------------------------------------------------------------ element types

// Numbers of 16 bits as they lie in memory.
struct Half {
    std::uint16_t bits;
};
struct BFloat16 {
    std::uint16_t bits;
};

// The DLPack type of an element. Specialize it for another type with one of these layouts (an Eigen::half, a std::float16_t).
template <class T>
struct Element;

namespace detail {

template <std::uint8_t code, std::uint8_t bits>
struct ElementOf {
    static constexpr DLDataType type{code, bits, 1};
};

} // namespace detail

template <> struct Element<float> : detail::ElementOf<2, 32> {};
template <> struct Element<double> : detail::ElementOf<2, 64> {};
template <> struct Element<Half> : detail::ElementOf<2, 16> {};
template <> struct Element<BFloat16> : detail::ElementOf<4, 16> {};
template <> struct Element<std::complex<float>> : detail::ElementOf<5, 64> {};
template <> struct Element<std::complex<double>> : detail::ElementOf<5, 128> {};
template <> struct Element<std::int32_t> : detail::ElementOf<0, 32> {};
template <> struct Element<std::int64_t> : detail::ElementOf<0, 64> {};

namespace detail {

template <class T, class = void>
struct IsElement : std::false_type {};
template <class T>
struct IsElement<T, std::void_t<decltype(Element<T>::type)>> : std::true_type {};

template <class T, class = void>
struct IsMdspan : std::false_type {};
template <class T>
struct IsMdspan<T, std::void_t<decltype(std::declval<T &>().data_handle()), decltype(std::declval<T &>().stride(0))>> : std::true_type {};

// A std::array<T, D> in a vector of points is a row, and so is the T[D] of an array T[M][D].
template <class T>
struct Row {
    using Number = T;
    static constexpr std::int64_t length = 0;
};
template <class T, std::size_t D>
struct Row<std::array<T, D>> {
    using Number = T;
    static constexpr std::int64_t length = D;
};
template <class T, std::size_t D>
struct Row<T[D]> : Row<std::array<T, D>> {};

} // namespace detail

// ------------------------------------------------------------------------------------------------------------ tensors

// A view of the caller's memory. What it was made of must live until the call is over.
class Tensor {
public:
    static constexpr std::size_t max_rank = 8;

    void *data = nullptr;
    DLDataType type{};
    DLDevice device{1, 0};    // {2, k}: the memory is that of GPU k
    bool is_writable = false; // false for what is const: no result then
    bool is_flat = false;     // numbers row after row; how many are a row, the function says
    std::size_t rank = 0;
    std::array<std::int64_t, max_rank> shape{};
    std::array<std::int64_t, max_rank> strides{}; // in elements

    template <class Source, class = std::enable_if_t<!std::is_same_v<std::decay_t<Source>, Tensor>>>
    Tensor(Source &&source) { // NOLINT: conversion is the purpose
        using Value = std::remove_cv_t<std::remove_reference_t<Source>>;
        if constexpr (detail::IsElement<Value>::value) {
            refer(&source);
            is_writable = is_writable && std::is_lvalue_reference_v<Source>;
            be_flat(1);
        } else if constexpr (detail::IsMdspan<Value>::value) {
            refer(source.data_handle());
            be_rank(source.rank());
            for (std::size_t axis = 0; axis < rank; axis++) {
                shape[axis] = static_cast<std::int64_t>(source.extent(axis));
                strides[axis] = static_cast<std::int64_t>(source.stride(axis));
            }
        } else {
            be_sequence(std::data(source), static_cast<std::int64_t>(std::size(source)));
        }
    }

    // Elements of this shape, `strides` apart.
    template <class T>
    Tensor(T *first, std::initializer_list<std::int64_t> shape_, std::initializer_list<std::int64_t> strides_) {
        refer(first);
        be_rank(shape_.size());
        if (strides_.size() != rank)
            throw Error(KEOPS_ARGUMENTS, "a tensor has a stride for each axis");
        std::copy(shape_.begin(), shape_.end(), shape.begin());
        std::copy(strides_.begin(), strides_.end(), strides.begin());
    }

    // Elements of this shape, the last axis fastest.
    template <class T>
    Tensor(T *first, std::initializer_list<std::int64_t> shape_) {
        refer(first);
        be_rank(shape_.size());
        std::copy(shape_.begin(), shape_.end(), shape.begin());
        be_contiguous();
    }

    // A flat tensor as rows of `length` numbers; as it is where it has a shape. Parameters have one row and no axis for it.
    Tensor shaped(std::int64_t length, bool is_parameter) const {
        if (!is_flat)
            return *this;
        Tensor result = *this;
        const std::int64_t count = shape[0];
        if (is_parameter || length == 0 || count % length != 0) // the library says what is wrong with a count that does not fit
            return result;
        result.rank = 2;
        result.shape = {count / length, length};
        result.be_contiguous();
        return result;
    }

    std::int64_t rows() const { return rank < 2 ? 1 : shape[rank - 2]; }

    DLTensor descriptor() const {
        auto *extents = const_cast<std::int64_t *>(shape.data()); // DLPack has no const; the library only reads them
        auto *steps = const_cast<std::int64_t *>(strides.data());
        return {data, device, static_cast<std::int32_t>(rank), type, extents, steps, 0};
    }

private:
    template <class T>
    void refer(T *first) {
        data = const_cast<std::remove_const_t<T> *>(first);
        type = Element<std::remove_const_t<T>>::type;
        is_writable = !std::is_const_v<T>;
    }

    template <class T>
    void be_sequence(T *first, std::int64_t count) {
        using Sequence = detail::Row<std::remove_const_t<T>>;
        using Number = typename Sequence::Number;
        refer(reinterpret_cast<std::conditional_t<std::is_const_v<T>, const Number, Number> *>(first));
        if constexpr (Sequence::length == 0) {
            be_flat(count);
        } else {
            rank = 2;
            shape = {count, Sequence::length};
            be_contiguous();
        }
    }

    void be_flat(std::int64_t count) {
        is_flat = true;
        rank = 1;
        shape[0] = count;
        strides[0] = 1;
    }

    void be_rank(std::size_t wanted) {
        if (wanted > max_rank)
            throw Error(KEOPS_SHAPE, "a tensor has " + std::to_string(wanted) + " axes, and keopsc.hpp takes " + std::to_string(max_rank));
        rank = wanted;
    }

    void be_contiguous() {
        std::int64_t step = 1;
        for (std::size_t axis = rank; axis-- > 0;) {
            strides[axis] = step;
            step *= shape[axis];
        }
    }
};

// A matrix whose rows are points, one row after the other.
template <class T>
Tensor row_major(T *first, std::int64_t rows, std::int64_t columns) {
    return {first, {rows, columns}};
}

// A matrix whose rows are points, one column after the other, as in Fortran and Eigen. `leading` is the distance of two columns.
template <class T>
Tensor column_major(T *first, std::int64_t rows, std::int64_t columns, std::int64_t leading) {
    return {first, {rows, columns}, {1, leading}};
}

template <class T>
Tensor column_major(T *first, std::int64_t rows, std::int64_t columns) {
    return column_major(first, rows, columns, rows);
}

// Any number of axes, batches first: row-major, or with strides, which may be 0 for what is shared and negative.
template <class T>
Tensor strided(T *first, std::initializer_list<std::int64_t> shape) {
    return {first, shape};
}

template <class T>
Tensor strided(T *first, std::initializer_list<std::int64_t> shape, std::initializer_list<std::int64_t> strides) {
    return {first, shape, strides};
}

// ------------------------------------------------------------------------------------------------------------ ranges, options

// The six int64 tensors of block-sparse ranges (docs/abi.md), in their order.
using Ranges = std::array<Tensor, 6>;

// Block-sparse ranges that own their memory: what Library::blocks makes.
struct Blocks {
    std::vector<std::int64_t> ranges_i, slices_i, redranges_j, ranges_j, slices_j, redranges_i;

    operator Ranges() && = delete; // they would look at memory that is gone
    operator Ranges() const & {
        return {pairs(ranges_i), Tensor(slices_i), pairs(redranges_j), pairs(ranges_j), Tensor(slices_j), pairs(redranges_i)};
    }

    static Tensor pairs(const std::vector<std::int64_t> &numbers) {
        return row_major(numbers.data(), static_cast<std::int64_t>(numbers.size() / 2), 2);
    }
};

// How a call is made; the defaults are those of a plain call.
struct Options {
    std::int32_t threads = 0;         // 0: KEOPSC_NUM_THREADS, else all processors
    std::int64_t rows_i = -1;         // M where no tensor tells it
    std::int64_t rows_j = -1;         // N where no tensor tells it
    const Ranges *ranges = nullptr;   // which pairs count
    DLDevice device{0, 0};            // {0, 0}: where the tensors are; {2, k}: GPU k
    void *stream = nullptr;           // a CUstream
    bool check = false;               // look at ranges on a GPU, which waits for them
    void *workspace = nullptr;        // scratch memory
    std::uint64_t workspace_size = 0; // its bytes
};

// ------------------------------------------------------------------------------------------------------------ the manifest

enum class Role { i, j, parameter };

// What a function's manifest says about one of its tensors.
struct TensorInfo {
    std::string name;
    std::string kind;  // input, cotangent, tangent, output
    std::string dtype; // f16, bf16, f32, f64, i64, c64, c128
    Role role = Role::parameter;
    std::int64_t length = 1; // elements of a row

    bool is_output() const { return kind == "output"; }
};

namespace detail {

struct EntryInfo {
    std::string name, formula;
    std::vector<TensorInfo> tensors;
};

// Reads a manifest: JSON that keopsc wrote, so well-formed. Fields that it does not know are passed over.
class ManifestReader {
public:
    explicit ManifestReader(std::string_view text) : rest_(text) {}

    std::vector<EntryInfo> entries() {
        std::vector<EntryInfo> result;
        object([&](const std::string &key) {
            if (key != "entries")
                return skip();
            array([&] { result.push_back(entry()); });
        });
        return result;
    }

private:
    EntryInfo entry() {
        EntryInfo result;
        object([&](const std::string &key) {
            if (key == "name")
                result.name = string();
            else if (key == "formula")
                result.formula = string();
            else if (key == "tensors")
                array([&] { result.tensors.push_back(tensor()); });
            else
                skip();
        });
        return result;
    }

    TensorInfo tensor() {
        TensorInfo result;
        object([&](const std::string &key) {
            if (key == "name")
                result.name = string();
            else if (key == "kind")
                result.kind = string();
            else if (key == "dtype")
                result.dtype = string();
            else if (key == "role")
                result.role = role(string());
            else if (key == "shape")
                array([&] { result.length *= number(); });
            else
                skip();
        });
        return result;
    }

    static Role role(const std::string &name) { return name == "i" ? Role::i : name == "j" ? Role::j : Role::parameter; }

    template <class Member>
    void object(Member member) {
        expect('{');
        while (!take('}')) {
            const std::string key = string();
            expect(':');
            member(key);
            take(',');
        }
    }

    template <class Item>
    void array(Item item) {
        expect('[');
        while (!take(']')) {
            item();
            take(',');
        }
    }

    std::string string() {
        expect('"');
        std::string result;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\')
                rest_.remove_prefix(1); // formulas have \" and \\ only; all else that is read here are names
            result += next();
        }
        expect('"');
        return result;
    }

    std::int64_t number() {
        std::int64_t result = 0;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9')
            result = 10 * result + (next() - '0');
        return result;
    }

    void skip() {
        blank();
        const char first = rest_.empty() ? '\0' : rest_.front();
        if (first == '{')
            object([&](const std::string &) { skip(); });
        else if (first == '[')
            array([&] { skip(); });
        else if (first == '"')
            string();
        else
            while (!rest_.empty() && std::string_view(",]}").find(rest_.front()) == std::string_view::npos)
                rest_.remove_prefix(1);
    }

    char next() {
        if (rest_.empty())
            throw Error(KEOPS_UNSUPPORTED, "the library's manifest ends too early");
        const char result = rest_.front();
        rest_.remove_prefix(1);
        return result;
    }

    void blank() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n'))
            rest_.remove_prefix(1);
    }

    bool take(char wanted) {
        blank();
        if (rest_.empty())
            throw Error(KEOPS_UNSUPPORTED, "the library's manifest ends too early");
        if (rest_.front() != wanted)
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    void expect(char wanted) {
        if (!take(wanted))
            throw Error(KEOPS_UNSUPPORTED, std::string("the library's manifest has no '") + wanted + "' where one should be");
    }

    std::string_view rest_;
};

// A loaded library. Functions share it, so that it stays as long as one of them.
struct Loaded {
    std::shared_ptr<void> handle; // null where the program is linked with the library
    const keops_module *module = nullptr;
    std::vector<EntryInfo> entries;
};

// The library's words for the last call.
class Message {
public:
    char *data() { return text_; }
    static constexpr std::uint64_t size() { return sizeof text_; }

    void check(const keops_module &module, std::int32_t status) const {
        if (status != KEOPS_OK)
            throw Error(status, *text_ ? text_ : module.strerror(status));
    }

private:
    char text_[1024] = "";
};

} // namespace detail

// ------------------------------------------------------------------------------------------------------------ functions

// One result of a formula file, or several that are computed together. Cheap to copy; calls may run at the same time.
class Function {
public:
    Function(std::shared_ptr<const detail::Loaded> library, std::size_t number) : library_(std::move(library)), number_(number) {
        const auto *first = reinterpret_cast<const char *>(library_->module->entries);
        entry_ = reinterpret_cast<const keops_entry_v1 *>(first + number * library_->module->entry_size);
    }

    const std::string &name() const { return info().name; }
    const std::string &formula() const { return info().formula; }
    const std::vector<TensorInfo> &tensors() const { return info().tensors; }

    // The same function, called otherwise: conv.with(options)(x, y, b, sigma, result).
    Function with(const Options &options) const {
        Function result = *this;
        result.options_ = options;
        return result;
    }

    // Computes the results into the last tensors.
    template <class... Tensors>
    void operator()(Tensors &&...tensors) const {
        const std::array<Tensor, sizeof...(Tensors)> given{Tensor(std::forward<Tensors>(tensors))...};
        run(given);
    }

    // The only result, row after row, of calls without batches.
    template <class T, class... Tensors>
    std::vector<T> result(Tensors &&...inputs) const {
        const std::array<Tensor, sizeof...(Tensors)> given{Tensor(std::forward<Tensors>(inputs))...};
        std::vector<T> numbers(result_size(given.data(), given.size()));
        run(append(given, Tensor(numbers), std::make_index_sequence<sizeof...(Tensors)>()));
        return numbers;
    }

private:
    const detail::EntryInfo &info() const { return library_->entries[number_]; }

    template <std::size_t count>
    void run(const std::array<Tensor, count> &given) const {
        std::array<Tensor, count> shaped = given;
        std::array<DLTensor, count> descriptors;
        std::array<const DLTensor *, count> pointers;
        shape(shaped.data(), count);
        for (std::size_t k = 0; k < count; k++) {
            descriptors[k] = shaped[k].descriptor();
            pointers[k] = &descriptors[k];
        }
        call(pointers.data(), count);
    }

    // Gives flat tensors their rows, and holds back what cannot be written. The library checks all else.
    void shape(Tensor *tensors, std::size_t count) const {
        for (std::size_t k = 0; k < count && k < info().tensors.size(); k++) {
            const TensorInfo &wanted = info().tensors[k];
            if (wanted.is_output() && !tensors[k].is_writable)
                throw Error(KEOPS_ARGUMENTS, name() + ": tensor " + wanted.name + " is a result, and what was given for it is const");
            tensors[k] = tensors[k].shaped(wanted.length, wanted.role == Role::parameter);
        }
    }

    void call(const DLTensor *const *tensors, std::size_t count) const {
        detail::Message message;
        keops_call call{};
        call.struct_size = sizeof call;
        call.num_tensors = static_cast<std::uint32_t>(count);
        call.tensors = tensors;
        call.rows_i = options_.rows_i;
        call.rows_j = options_.rows_j;
        call.threads = options_.threads;
        call.device_type = options_.device.device_type;
        call.device_id = options_.device.device_id;
        call.check = options_.check;
        call.stream = options_.stream;
        call.workspace = options_.workspace;
        call.workspace_size = options_.workspace_size;
        call.message = message.data();
        call.message_size = message.size();

        std::array<DLTensor, 6> ranges;
        std::array<const DLTensor *, 6> range_pointers;
        if (options_.ranges) {
            for (std::size_t k = 0; k < ranges.size(); k++) {
                ranges[k] = (*options_.ranges)[k].descriptor();
                range_pointers[k] = &ranges[k];
            }
            call.ranges = range_pointers.data();
        }
        message.check(*library_->module, entry_->run(&call));
    }

    std::size_t result_size(const Tensor *inputs, std::size_t count) const {
        const std::vector<TensorInfo> &wanted = tensors();
        if (count + 1 != wanted.size())
            throw Error(KEOPS_ARGUMENTS, name() + ": expected " + std::to_string(wanted.size() - 1) + " tensors and one result, given " +
                                             std::to_string(count));
        const TensorInfo &output = wanted.back();
        if (output.role == Role::parameter)
            return static_cast<std::size_t>(output.length);
        std::int64_t rows = output.role == Role::i ? options_.rows_i : options_.rows_j;
        for (std::size_t k = 0; k < count; k++) {
            const Tensor input = inputs[k].shaped(wanted[k].length, wanted[k].role == Role::parameter);
            if (input.rank > 2)
                throw Error(KEOPS_UNSUPPORTED, name() + ": tensor " + wanted[k].name + " has a batch: give the memory of the result, too");
            if (wanted[k].role == output.role && rows < 0)
                rows = input.rows();
        }
        if (rows < 0)
            throw Error(KEOPS_ARGUMENTS, name() + ": no tensor tells the number of rows: set rows_i or rows_j");
        return static_cast<std::size_t>(rows * output.length);
    }

    template <std::size_t count, std::size_t... k>
    static std::array<Tensor, count + 1> append(const std::array<Tensor, count> &tensors, const Tensor &last, std::index_sequence<k...>) {
        return {tensors[k]..., last};
    }

    std::shared_ptr<const detail::Loaded> library_;
    std::size_t number_;
    const keops_entry_v1 *entry_;
    Options options_{};
};

// ------------------------------------------------------------------------------------------------------------ libraries

class Library {
public:
    // Loads a library; it is unloaded with the last Library and Function that use it.
    explicit Library(const std::string &path) : Library(open(path, 0)) {}

    // The library that a function or variable belongs to, for programs that are linked with it:
    // Library::containing(gauss_strerror).
    template <class Symbol>
    static Library containing(Symbol *symbol) {
        Dl_info found{};
        void *address;
        static_assert(sizeof address == sizeof symbol);
        std::memcpy(&address, &symbol, sizeof address);
        if (!dladdr(address, &found) || !found.dli_fname)
            throw Error(KEOPS_ARGUMENTS, "no library has that address");
        return Library(open(found.dli_fname, RTLD_NOLOAD));
    }

    std::string_view name() const { return library_->module->name; }
    std::string_view manifest() const { return {library_->module->manifest, static_cast<std::size_t>(library_->module->manifest_size)}; }

    // The instruction set in use; empty if this processor runs none of the library's.
    std::string_view target() const {
        const char *target = library_->module->target();
        return target ? target : "";
    }

    Function operator[](std::string_view name) const {
        for (std::size_t k = 0; k < library_->entries.size(); k++)
            if (library_->entries[k].name == name)
                return Function(library_, k);
        std::string names;
        for (const detail::EntryInfo &entry : library_->entries)
            names += (names.empty() ? "" : ", ") + entry.name;
        throw Error(KEOPS_ARGUMENTS, "library " + std::string(this->name()) + " has no function " + std::string(name) + ", but " + names);
    }

    // Ranges in which keep[a][b] says whether block a of rows meets block b of columns. A block is its first row and the one past its last.
    Blocks blocks(std::vector<std::int64_t> ranges_i, std::vector<std::int64_t> ranges_j, const std::vector<std::int64_t> &keep) const {
        Blocks result;
        result.ranges_i = std::move(ranges_i);
        result.ranges_j = std::move(ranges_j);
        const std::size_t rows = result.ranges_i.size() / 2, columns = result.ranges_j.size() / 2;
        if (keep.size() != rows * columns)
            throw Error(KEOPS_SHAPE, "keep: expected " + std::to_string(rows) + " x " + std::to_string(columns) + " numbers, given " +
                                         std::to_string(keep.size()));
        result.slices_i.resize(rows);
        result.slices_j.resize(columns);

        const Tensor matrix = row_major(keep.data(), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
        std::int64_t count = 0;
        from_matrix(result, matrix, &count);
        result.redranges_j.resize(2 * static_cast<std::size_t>(count));
        result.redranges_i.resize(2 * static_cast<std::size_t>(count));
        from_matrix(result, matrix, nullptr);
        return result;
    }

private:
    explicit Library(std::shared_ptr<void> handle) {
        auto loaded = std::make_shared<detail::Loaded>();
        loaded->handle = std::move(handle);
        using Entry = const keops_module *();
        auto *entry = reinterpret_cast<Entry *>(dlsym(loaded->handle.get(), "keops_module_v1"));
        if (!entry)
            throw Error(KEOPS_UNSUPPORTED, "the library was not made by keopsc: it has no keops_module_v1");
        loaded->module = entry();
        if (loaded->module->abi_version != KEOPS_ABI_VERSION)
            throw Error(KEOPS_UNSUPPORTED, "the library has version " + std::to_string(loaded->module->abi_version) +
                                               " of the ABI, and keopsc.hpp knows version 1");
        loaded->entries = detail::ManifestReader(loaded->module->manifest).entries();
        library_ = std::move(loaded);
    }

    static std::shared_ptr<void> open(const std::string &path, int flags) {
        void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | flags);
        if (!handle)
            throw Error(KEOPS_ARGUMENTS, dlerror());
        return {handle, [](void *opened) { dlclose(opened); }};
    }

    // Fills the four lists, or counts what they will hold where `count` is given.
    void from_matrix(Blocks &blocks, const Tensor &keep, std::int64_t *count) const {
        std::array<Tensor, 7> tensors{Blocks::pairs(blocks.ranges_i), Blocks::pairs(blocks.ranges_j),    keep,
                                      Tensor(blocks.slices_i),        Blocks::pairs(blocks.redranges_j), Tensor(blocks.slices_j),
                                      Blocks::pairs(blocks.redranges_i)};
        std::array<DLTensor, 7> descriptors;
        std::array<const DLTensor *, 7> pointers{};
        for (std::size_t k = 0; k < (count ? 3 : tensors.size()); k++) {
            descriptors[k] = tensors[k].descriptor();
            pointers[k] = &descriptors[k];
        }
        detail::Message message;
        const auto [ranges_i, ranges_j, matrix, slices_i, redranges_j, slices_j, redranges_i] = pointers;
        const keops_module &module = *library_->module;
        message.check(module, module.clusters->from_matrix(ranges_i, ranges_j, matrix, slices_i, redranges_j, slices_j, redranges_i, count,
                                                           message.data(), message.size()));
    }

    std::shared_ptr<const detail::Loaded> library_;
};

} // namespace keopsc

#endif // KEOPSC_HPP
