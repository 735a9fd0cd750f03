using System.Runtime.Intrinsics.X86;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// Half precision brought to fp32 with an instruction that .NET does not expose: VCVTPH2PS of F16C, where C# needs about eleven. It is
/// exact, so what is computed of its results has the bits of kernels that widen as they go. When .NET has the instruction, those take over.
/// </summary>
/// <remarks>A call takes some microseconds, in which no garbage collection can begin.</remarks>
internal sealed unsafe class HalfWidening
{
    private static readonly Lazy<(HalfWidening[] Codes, string? Missing)> _process = new(Map);

    private readonly delegate* unmanaged[SuppressGCTransition]<HalfWideningArguments*, void> _code;

    private HalfWidening(byte* code) => _code = (delegate* unmanaged[SuppressGCTransition]<HalfWideningArguments*, void>)code;

    /// <summary>The process's; null where <see cref="Missing"/> says why there is none.</summary>
    public static HalfWidening? Process => Widths is [.., HalfWidening widest] ? widest : null;

    /// <summary>The code of every width that this process may use, the widest last.</summary>
    public static ReadOnlySpan<HalfWidening> Widths => _process.Value.Codes;

    /// <summary>What stands in the way, for people; null where nothing does.</summary>
    public static string? Missing => _process.Value.Missing;

    /// <summary>Widens some rows.</summary>
    public void Widen(in HalfWideningArguments arguments)
    {
        fixed (HalfWideningArguments* pointer = &arguments)
        {
            _code(pointer);
        }
    }

    private static (HalfWidening[] Codes, string? Missing) Map()
    {
        if (!Avx.IsSupported)
        {
            return ([], "this process has no AVX");
        }

        if (!ProcessorHasF16C())
        {
            return ([], "the processor has no F16C");
        }

        byte* code = CodeMemory.TryMap([.. HalfWideningCode.Bits256, .. HalfWideningCode.Bits512], out string? refusal);
        if (code is null)
        {
            return ([], refusal);
        }

        code += OperatingSystem.IsWindows() ? HalfWideningCode.WindowsEntry : 0;
        var narrow = new HalfWidening(code);
        return (Avx512F.IsSupported ? [narrow, new HalfWidening(code + HalfWideningCode.Bits256.Length)] : [narrow], null);
    }

    private static bool ProcessorHasF16C()
    {
        const int F16C = 1 << 29;
        return (X86Base.CpuId(1, 0).Ecx & F16C) != 0;
    }
}
