using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Types;
using ILGPU.IR.Values;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>
/// What the compiler makes of the intrinsics: for NVIDIA's devices one instruction or a few, with everything in registers; for OpenCL the
/// emulation in C#. Generators are found by name: <c>Write</c> and the intrinsic's own.
/// </summary>
internal static class IntrinsicCode
{
    private const int WordsOfA = 4;
    private const int WordsOfB = 2;

    private static readonly Type[] _holders =
    [
        typeof(WarpProduct), typeof(WarpExchange), typeof(SharedTiles), typeof(LoopRegisters), typeof(HalfNumbers), typeof(RoundedNumbers),
        typeof(BrainPairs),
    ];

    /// <summary>Makes the intrinsics known to a context.</summary>
    public static void Register(Context context)
    {
        IntrinsicImplementationManager known = context.GetIntrinsicManager();
        foreach (Type holder in _holders)
        {
            foreach (MethodInfo method in holder.GetMethods(BindingFlags.Static | BindingFlags.Public))
            {
                if (method.IsDefined(typeof(IntrinsicImplementationAttribute)))
                {
                    known.RegisterMethod(
                        method, new PTXIntrinsic(typeof(IntrinsicCode), "Write" + method.Name, IntrinsicImplementationMode.GenerateCode));
                    Type[] parameters = [.. method.GetParameters().Select(parameter => parameter.ParameterType)];
                    known.RegisterMethod(method, new CLIntrinsic(
                        holder.GetMethod(method.Name + "Emulated", parameters)!, IntrinsicImplementationMode.Redirect));
                }
            }
        }
    }

    /// <summary>Both products: of two tiles of A with that of B, or of one with two.</summary>
    public static void WriteMultiply(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> c = Inputs(code, call, 0, 1);
        List<string> factors = Inputs(code, call, 1, 4);
        List<string> d = Outputs(code, call);
        bool isWide = factors.Count == WordsOfA + (2 * WordsOfB);
        for (int i = 0; i < c.Count; i += 4)
        {
            int a = isWide ? 0 : i;
            int b = isWide ? WordsOfA + (i / 4 * WordsOfB) : 2 * WordsOfA;
            Line(code, $"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {Group(d, i, 4)}, {Group(factors, a, WordsOfA)}, "
                + $"{Group(factors, b, WordsOfB)}, {Group(c, i, 4)};");
        }
    }

    /// <summary>For each of three terms both products.</summary>
    public static void WriteMultiplyTerms(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> c = Inputs(code, call, 0, 1);
        List<string> terms = Inputs(code, call, 1, 4);
        List<string> b = Inputs(code, call, 4, 6);
        List<string> d = Outputs(code, call);
        for (int i = 0; i < terms.Count; i += WordsOfA)
        {
            for (int tile = 0; tile < 2; tile++)
            {
                Line(code, $"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {Group(d, 4 * tile, 4)}, {Group(terms, i, WordsOfA)}, "
                    + $"{Group(b, tile * WordsOfB, WordsOfB)}, {Group(i == 0 ? c : d, 4 * tile, 4)};");
            }
        }
    }

    /// <summary>For each of three terms the products of half a run of columns, then those of the other half.</summary>
    public static void WriteMultiplyRows(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> c = Inputs(code, call, 0, 1);
        List<string> terms = Inputs(code, call, 1, 4);
        List<string> b = Inputs(code, call, 4, 5);
        string none = Inputs(code, call, 5, 6)[0];
        List<string> d = Outputs(code, call);
        for (int half = 0; half < 4; half += 2)
        {
            for (int i = 0; i < c.Count; i += 4)
            {
                Line(code, $"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {Group(d, i, 4)}, "
                    + $"{{{terms[i + half]}, {none}, {terms[i + half + 1]}, {none}}}, {Group(b, half, WordsOfB)}, "
                    + $"{Group(half == 0 ? c : d, i, 4)};");
            }
        }
    }

    public static void WriteCopy(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> addresses = Inputs(code, call, 0, 2);
        Line(code, $"{{ .reg .u32 s; {Shared(call[0], addresses[0])} cp.async.cg.shared.global [s], [{addresses[1]}], 16; }}");
    }

    public static void WriteCloseBatch(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = (backend, call);
        Line(code, "cp.async.commit_group;");
    }

    public static void WriteAwait(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        Line(code, $"cp.async.wait_group {((PrimitiveValue)call[0].Resolve()).Int32Value};");
    }

    public static void WriteAgain(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> value = Inputs(code, call, 0, 1);
        Line(code, $"shfl.sync.bfly.b32 {Outputs(code, call)[0]}, {value[0]}, 0, 0x1f, 0xffffffff;");
    }

    /// <summary>The directive belongs into the block that a loop begins with, which is the one of its condition.</summary>
    public static void WriteRolled(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> value = Inputs(code, call, 0, 1);
        Line(code, ".pragma \"nounroll\";");
        Line(code, $"mov.b32 {Outputs(code, call)[0]}, {value[0]};");
    }

    public static void WriteOfLane(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> value = Inputs(code, call, 0, 1);
        int apart = ((PrimitiveValue)call[1].Resolve()).Int32Value;
        Line(code, $"shfl.sync.bfly.b32 {Outputs(code, call)[0]}, {value[0]}, {apart}, 0x1f, 0xffffffff;");
    }

    public static void WriteFrom(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> inputs = Inputs(code, call, 0, 2);
        Line(code, $"shfl.sync.idx.b32 {Outputs(code, call)[0]}, {inputs[0]}, {inputs[1]}, 0x1f, 0xffffffff;");
    }

    public static void WriteAddPairs(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> pairs = Inputs(code, call, 0, 2);
        Line(code, $"{{ .reg .b32 one; mov.b32 one, 0x3F803F80; fma.rn.bf16x2 {Outputs(code, call)[0]}, {pairs[0]}, one, {pairs[1]}; }}");
    }

    public static void WriteProduct(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> factors = Inputs(code, call, 0, 2);
        Line(code, $"mul.rn.f32 {Outputs(code, call)[0]}, {factors[0]}, {factors[1]};");
    }

    public static void WriteWidenHalf(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        _ = backend;
        List<string> word = Inputs(code, call, 0, 1);
        Line(code, $"{{ .reg .b16 h; cvt.u16.u32 h, {word[0]}; cvt.f32.f16 {Outputs(code, call)[0]}, h; }}");
    }

    /// <summary>An address in shared memory as <c>s</c>: what ILGPU knows to be one already is an offset.</summary>
    private static string Shared(Value pointer, string register)
    {
        bool known = pointer.Resolve().Type is AddressSpaceType { AddressSpace: MemoryAddressSpace.Shared };
        return known
            ? $"cvt.u32.u64 s, {register};"
            : $".reg .u64 u; cvta.to.shared.u64 u, {register}; cvt.u32.u64 s, u;";
    }

    private static List<string> Inputs(PTXCodeGenerator code, Value call, int first, int end)
    {
        var names = new List<string>();
        for (int i = first; i < end; i++)
        {
            Add(code, code.Load(call[i]), names);
        }

        return names;
    }

    private static List<string> Outputs(PTXCodeGenerator code, Value call)
    {
        var names = new List<string>();
        Add(code, code.Allocate(call), names);
        return names;
    }

    private static void Add(PTXCodeGenerator code, RegisterAllocator<PTXRegisterKind>.Register register, List<string> names)
    {
        if (register is RegisterAllocator<PTXRegisterKind>.CompoundRegister compound)
        {
            foreach (RegisterAllocator<PTXRegisterKind>.Register child in compound.Children)
            {
                Add(code, child, names);
            }
        }
        else
        {
            var primitive = (RegisterAllocator<PTXRegisterKind>.PrimitiveRegister)register;
            names.Add("%" + PTXRegisterAllocator.GetStringRepresentation(code.EnsureHardwareRegister(primitive)));
        }
    }

    private static string Group(List<string> names, int first, int count) => "{" + string.Join(", ", names.GetRange(first, count)) + "}";

    private static void Line(PTXCodeGenerator code, string instruction) =>
        code.Builder.Append('\t').Append(instruction).Append('\n');
}
