use std::collections::{BTreeMap, HashMap};

use keopsc_cuda::library::{Entry, Packed};
use keopsc_ir::plan::TensorId;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;
use object::{Object as _, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex};

use super::*;

/// What an object file has in memory, and where its pointers go.
struct Memory {
    sections: HashMap<SectionIndex, Vec<u8>>,
    pointers: HashMap<Place, Place>,
    symbols: BTreeMap<String, Place>,
}

type Place = (SectionIndex, usize);

impl Memory {
    fn new(bytes: &[u8]) -> Memory {
        let file = object::File::parse(bytes).unwrap();
        let mut memory = Memory { sections: HashMap::new(), pointers: HashMap::new(), symbols: BTreeMap::new() };
        for section in file.sections() {
            memory.sections.insert(section.index(), section.data().unwrap().to_vec());
            for (offset, relocation) in section.relocations() {
                assert_eq!((relocation.kind(), relocation.size()), (RelocationKind::Absolute, 64));
                let RelocationTarget::Symbol(symbol) = relocation.target() else { panic!("to a symbol") };
                let target = file.symbol_by_index(symbol).unwrap().section_index().unwrap();
                let place = (section.index(), usize::try_from(offset).unwrap());
                memory.pointers.insert(place, (target, usize::try_from(relocation.addend()).unwrap()));
            }
        }
        for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
            assert_eq!(symbol.scope(), SymbolScope::Linkage, "hidden");
            let place = (symbol.section_index().unwrap(), usize::try_from(symbol.address()).unwrap());
            memory.symbols.insert(symbol.name().unwrap().to_owned(), place);
        }
        memory
    }

    fn bytes<const N: usize>(&self, (section, at): Place, field: usize) -> [u8; N] {
        self.sections[&section][at + field..at + field + N].try_into().unwrap()
    }

    fn u32(&self, place: Place, field: usize) -> u32 {
        u32::from_le_bytes(self.bytes(place, field))
    }

    fn follow(&self, (section, at): Place, field: usize) -> Place {
        self.pointers[&(section, at + field)]
    }

    fn text(&self, (section, at): Place) -> &str {
        let bytes = &self.sections[&section][at..];
        std::str::from_utf8(&bytes[..bytes.iter().position(|byte| *byte == 0).unwrap()]).unwrap()
    }

    /// A kernel: number, threads, rows.
    fn kernel(&self, place: Place, field: usize) -> [u32; 3] {
        [offset_of!(DeviceKernel, kernel), offset_of!(DeviceKernel, threads), offset_of!(DeviceKernel, rows)]
            .map(|of_kernel| self.u32(place, field + of_kernel))
    }
}

fn plans(text: &str) -> Vec<Verified> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{errors:?}");
    pipeline::run(&file, &Options::default(), &mut |_, _| {}).unwrap().plans
}

fn pass(over: Option<Axis>, order: Order, views: &[u32]) -> PassKernels {
    PassKernels {
        rows: Role::J,
        over,
        compute: ScalarType::F64,
        order,
        views: views.iter().map(|number| TensorId(*number)).collect(),
        reduce: [None, over.map(|_| Kernel { number: 1, threads: 128, rows: 64, large_bytes: 98304 })],
        finish: Kernel { number: 2, threads: 256, rows: 32, large_bytes: 0 },
        chunk: [16, 1024],
        longest_split: 8,
        state_size: 12,
        pair_cost: 99,
        packed: Packed {
            header: 48,
            sizes: [80, 96],
            kernels: [Some(Kernel { number: 3, threads: 64, rows: 16, large_bytes: 0 }), None],
        },
    }
}

const FORMULA: &str = "x = Vi(1); y = Vj(1)\nout f = Sum[i](Exp(x * y))\nout g = Sum[i](Exp(y * Sum[j](Exp(x * y))))";

fn example() -> (Vec<Verified>, Library, [Image; 2]) {
    let plans = plans(FORMULA);
    assert_eq!(plans.len(), 2);
    let entry = |plan: &Verified, passes: Vec<PassKernels>| Entry {
        for_ranges: plan.for_ranges().map(|_| passes.clone()),
        passes,
    };
    let library = Library {
        text: String::new(),
        parts: 1,
        kernels: ["layout", "reduce", "finish", "sum"].map(str::to_owned).to_vec(),
        layout: 0,
        sums: [Some(3), Some(2)],
        scatter: Some(1),
        entries: vec![
            entry(&plans[0], vec![pass(Some(Axis::I), Order::Sequence, &[2, 0, 1])]),
            entry(&plans[1], vec![pass(None, Order::Tree, &[]), pass(Some(Axis::J), Order::Carried, &[3])]),
        ],
    };
    let image = |form, bytes: &[u8]| Image { architecture: 90, form, bytes: bytes.to_vec() };
    (plans, library, [image(Form::MachineCode, b"\x7fELF\0code"), image(Form::Ptx, b"text")])
}

#[test]
fn tables_are_those_of_the_abi() {
    let (plans, library, images) = example();
    for architecture in [Architecture::X86_64, Architecture::Aarch64] {
        let memory = Memory::new(&object(&plans, &library, &images, architecture).unwrap());
        let names: Vec<&str> = memory.symbols.keys().map(String::as_str).collect();
        assert_eq!(names, ["keops_device_entry_f", "keops_device_entry_g"]);
        let [f, g] = ["keops_device_entry_f", "keops_device_entry_g"].map(|name| memory.symbols[name]);

        let code = memory.follow(f, offset_of!(DeviceEntry, code));
        assert_eq!(code, memory.follow(g, offset_of!(DeviceEntry, code)));
        let numbers = [
            offset_of!(DeviceCode, num_images),
            offset_of!(DeviceCode, num_kernels),
            offset_of!(DeviceCode, layout),
            offset_of!(DeviceCode, sum_f32),
            offset_of!(DeviceCode, sum_f64),
            offset_of!(DeviceCode, scatter),
        ];
        assert_eq!(numbers.map(|field| memory.u32(code, field)), [2, 4, 0, 3, 2, 1]);
        let names = memory.follow(code, offset_of!(DeviceCode, kernels));
        let name = |number: usize| memory.text(memory.follow(names, number * size_of::<*const u8>()));
        assert_eq!([0, 1, 2, 3].map(name), ["layout", "reduce", "finish", "sum"]);

        let first_image = memory.follow(code, offset_of!(DeviceCode, images));
        for (number, (is_ptx, bytes)) in [(0, b"\x7fELF\0code".as_slice()), (1, b"text\0")].into_iter().enumerate() {
            let field = |offset: usize| number * size_of::<DeviceImage>() + offset;
            assert_eq!(memory.u32(first_image, field(offset_of!(DeviceImage, architecture))), 90);
            assert_eq!(memory.u32(first_image, field(offset_of!(DeviceImage, is_ptx))), is_ptx);
            let size = u64::from_le_bytes(memory.bytes(first_image, field(offset_of!(DeviceImage, size))));
            assert_eq!(size, bytes.len() as u64);
            let (section, at) = memory.follow(first_image, field(offset_of!(DeviceImage, bytes)));
            assert_eq!(at % 64, 0);
            assert_eq!(&memory.sections[&section][at..at + bytes.len()], bytes);
        }
        passes_are_those_of_the_abi(&memory, f, g);
    }
}

fn passes_are_those_of_the_abi(memory: &Memory, f: Place, g: Place) {
    let pass = |entry: Place, number: usize| {
        let (section, at) = memory.follow(entry, offset_of!(DeviceEntry, passes));
        (section, at + number * size_of::<DevicePass>())
    };
    assert_eq!([f, g].map(|entry| memory.u32(entry, offset_of!(DeviceEntry, num_passes))), [1, 2]);
    let kinds = |pass| {
        let fields = [
            offset_of!(DevicePass, rows),
            offset_of!(DevicePass, columns),
            offset_of!(DevicePass, compute),
            offset_of!(DevicePass, order),
        ];
        fields.map(|field| memory.bytes::<1>(pass, field)[0])
    };
    let [i, j, parameter] = [abi::ROLE_I, abi::ROLE_J, abi::ROLE_PARAMETER];
    assert_eq!(kinds(pass(f, 0)), [j, i, abi::F64, abi::ORDER_SEQUENCE]);
    assert_eq!(kinds(pass(g, 0)), [j, parameter, abi::F64, abi::ORDER_TREE]);
    assert_eq!(kinds(pass(g, 1)), [j, j, abi::F64, abi::ORDER_CARRIED]);
    let numbers = [
        offset_of!(DevicePass, shortest_chunk),
        offset_of!(DevicePass, longest_chunk),
        offset_of!(DevicePass, longest_split),
        offset_of!(DevicePass, state_size),
        offset_of!(DevicePass, pair_cost),
        offset_of!(DevicePass, packed_header),
        offset_of!(DevicePass, packed_sizes),
        offset_of!(DevicePass, packed_sizes) + size_of::<u32>(),
        offset_of!(DevicePass, num_views),
    ];
    assert_eq!(numbers.map(|field| memory.u32(pass(f, 0), field)), [16, 1024, 8, 12, 99, 48, 80, 96, 3]);
    let views = memory.follow(pass(f, 0), offset_of!(DevicePass, views));
    assert_eq!([0, 4, 8].map(|field| memory.u32(views, field)), [2, 0, 1]);
    let reduce = [0, size_of::<DeviceKernel>()].map(|offset| offset_of!(DevicePass, reduce) + offset);
    assert_eq!(reduce.map(|field| memory.kernel(pass(f, 0), field)), [[abi::NO_KERNEL, 0, 0], [1, 128, 64]]);
    assert_eq!(reduce.map(|field| memory.kernel(pass(g, 0), field)), [[abi::NO_KERNEL, 0, 0]; 2]);
    assert_eq!(memory.kernel(pass(f, 0), offset_of!(DevicePass, finish)), [2, 256, 32]);
    let pack = [0, size_of::<DeviceKernel>()].map(|offset| offset_of!(DevicePass, pack) + offset);
    assert_eq!(pack.map(|field| memory.kernel(pass(f, 0), field)), [[3, 64, 16], [abi::NO_KERNEL, 0, 0]]);
}

#[test]
fn tables_for_ranges_have_names_of_their_own() {
    // With all pairs the sum is the same for all i.
    let plans = plans("y = Vj(1)\nout f = Sum[j](Exp(y))");
    assert!(plans[0].for_ranges().is_some());
    let (_, library, images) = example();
    let passes = |plan: &Plan| vec![pass(Some(Axis::J), Order::Tree, &[0]); plan.passes.len()];
    let made = |passes: Vec<PassKernels>, for_ranges: Option<Vec<PassKernels>>| {
        let library = Library { entries: vec![Entry { passes, for_ranges }], ..library.clone() };
        object(&plans, &library, &images, Architecture::X86_64)
    };
    let (all, for_ranges) = (passes(&plans[0]), passes(plans[0].for_ranges().unwrap()));
    let memory = Memory::new(&made(all.clone(), Some(for_ranges.clone())).unwrap());
    let names: Vec<&str> = memory.symbols.keys().map(String::as_str).collect();
    assert_eq!(names, ["keops_device_entry_f", "keops_device_ranges_f"]);

    let no_kernel = PassKernels { finish: Kernel { number: 4, threads: 1, rows: 1, large_bytes: 0 }, ..all[0].clone() };
    let no_tensor = PassKernels { views: vec![TensorId(99)], ..all[0].clone() };
    let no_reduction = PassKernels { reduce: [None, None], ..all[0].clone() };
    let wrong = [no_kernel, no_tensor, no_reduction].map(|wrong| vec![wrong; all.len()]);
    let cases = wrong.into_iter().chain([Vec::new()]).map(|passes| made(passes, Some(for_ranges.clone())));
    for case in cases.chain([made(all, None)]) {
        let Err(Failure::Internal(message)) = case else { panic!("kernels are missing") };
        assert_eq!(message, "the kernels for GPUs of `f` are not those of its plans");
    }
}

#[test]
fn structures_are_as_long_as_kernels_take_them() {
    let sizes = [size_of::<abi::DeviceView>(), size_of::<abi::DeviceRanges>(), size_of::<abi::DeviceLaunch>()];
    assert_eq!(sizes, [48, 168, 312], "skeleton/launch.cu");
    assert_eq!(size_of::<abi::DeviceSum>(), 272, "skeleton/sums.cu");
    assert_eq!(size_of::<abi::DeviceScatter>(), 248, "skeleton/scatter.cu");
}

#[test]
fn what_a_thread_has_no_memory_for_is_refused() {
    let refused = |text: &str| {
        let plans = plans(text);
        has_room(&plans, &keopsc_cuda::library(&plans)).err().map(|failure| format!("{failure:?}"))
    };
    let list = |components: u32| format!("x = Vi(1); y = Vj({components})\nout near = ArgKMin[j, K=1024](Abs(y - x))");
    assert_eq!(refused(&list(42)), None);
    let words = refused(&list(64)).expect("768 KB are too many");
    assert!(words.contains("`near`: a thread keeps 768 KB") && words.contains("has 512 KB"), "{words}");
    assert!(refused("x = Vi(1); y = Vj(50000)\nout sums = Sum[j](y * x)").is_some());
    assert_eq!(refused("x = Vi(1); y = Vj(40000)\nout sums = Sum[j](y * x)"), None);
}
