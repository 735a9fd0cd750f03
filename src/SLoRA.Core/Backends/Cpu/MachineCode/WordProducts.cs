using System.Runtime.Intrinsics.X86;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// The int8 product with an instruction that .NET does not expose: VPDPWSSD of AVX512_VNNI, which does in one step what the kernels in C#
/// do in two. The same layout, the same bits. When .NET has the instruction, kernels in C# take over.
/// </summary>
/// <remarks>A call takes some microseconds, in which no garbage collection can begin.</remarks>
internal sealed unsafe class WordProducts
{
    private static readonly Lazy<(WordProducts? Code, string? Missing)> _process = new(Map);

    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows8Panels3;
    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows8Panels1;
    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows4Panels4;
    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows4Panels1;

    private WordProducts(byte* code)
    {
        if (OperatingSystem.IsWindows())
        {
            code += WordProductCode.WindowsEntry;
        }

        _rows8Panels3 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
        code += WordProductCode.Rows8Panels3.Length;
        _rows8Panels1 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
        code += WordProductCode.Rows8Panels1.Length;
        _rows4Panels4 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
        code += WordProductCode.Rows4Panels4.Length;
        _rows4Panels1 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
        code += WordProductCode.Rows4Panels1.Length;
        Bytes = new ByteProducts(code);
        PackedRows = new PackedRowProducts(code + ByteProductCode.Rows8Panels3.Length + ByteProductCode.Rows8Panels1.Length);
    }

    /// <summary>The products of bytes, which the same processors have.</summary>
    public ByteProducts Bytes { get; }

    /// <summary>The products of one row with packed weights.</summary>
    public PackedRowProducts PackedRows { get; }

    /// <summary>The process's; null where <see cref="Missing"/> says why there is none.</summary>
    public static WordProducts? Process => _process.Value.Code;

    /// <summary>What stands in the way, for people; null where nothing does.</summary>
    public static string? Missing => _process.Value.Missing;

    /// <summary>8 rows times 3 panels.</summary>
    public void Rows8Panels3(in IntegerProductArguments arguments)
    {
        fixed (IntegerProductArguments* pointer = &arguments)
        {
            _rows8Panels3(pointer);
        }
    }

    /// <summary>8 rows times 1 panel.</summary>
    public void Rows8Panels1(in IntegerProductArguments arguments)
    {
        fixed (IntegerProductArguments* pointer = &arguments)
        {
            _rows8Panels1(pointer);
        }
    }

    /// <summary>4 rows times 4 panels.</summary>
    public void Rows4Panels4(in IntegerProductArguments arguments)
    {
        fixed (IntegerProductArguments* pointer = &arguments)
        {
            _rows4Panels4(pointer);
        }
    }

    /// <summary>4 rows times 1 panel.</summary>
    public void Rows4Panels1(in IntegerProductArguments arguments)
    {
        fixed (IntegerProductArguments* pointer = &arguments)
        {
            _rows4Panels1(pointer);
        }
    }

    private static (WordProducts? Code, string? Missing) Map()
    {
        if (!Avx512BW.IsSupported)
        {
            return (null, "this process has no AVX-512");
        }

        if (!ProcessorHasVnni())
        {
            return (null, "the processor has no AVX512_VNNI");
        }

        byte[] all =
        [
            .. WordProductCode.Rows8Panels3, .. WordProductCode.Rows8Panels1, .. WordProductCode.Rows4Panels4,
            .. WordProductCode.Rows4Panels1, .. ByteProductCode.Rows8Panels3, .. ByteProductCode.Rows8Panels1,
            .. PackedRowProducts.Code,
        ];
        byte* code = CodeMemory.TryMap(all, out string? refusal);
        return code is null ? (null, refusal) : (new WordProducts(code), null);
    }

    private static bool ProcessorHasVnni()
    {
        const int ExtendedFeatures = 7;
        const int Vnni = 1 << 11;
        return X86Base.CpuId(0, 0).Eax >= ExtendedFeatures && (X86Base.CpuId(ExtendedFeatures, 0).Ecx & Vnni) != 0;
    }
}
