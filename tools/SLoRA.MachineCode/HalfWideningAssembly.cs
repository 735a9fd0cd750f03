using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace SLoRA.MachineCode;

/// <summary>
/// Machine code that brings rows of half precision to fp32 with VCVTPH2PS of F16C: 16 elements of a row at a time, then 8, then one by one,
/// so that nothing behind a row is touched.
/// </summary>
/// <remarks>
/// It is called with the address of <c>HalfWideningArguments</c>, calls nothing, keeps what either calling convention asks it to keep by
/// not touching it, and reads and writes nothing but what those arguments name. What is only asked for may lie anywhere.
/// </remarks>
/// <param name="bits">Bits of a vector: 256 or 512.</param>
internal sealed class HalfWideningAssembly(int bits)
{
    /// <summary>How often what is left of a row is widened: eight elements, and one.</summary>
    public const int Rests = 2;

    private const int Step = 16;
    private const int HalfStep = 8;
    private const int HalfBytes = 2;
    private const int FloatBytes = 4;

    private static readonly AssemblerRegister64 Arguments = rcx;

    // What is left of a row, negative, and the ends that it counts from.
    private static readonly AssemblerRegister64 Left = rax;
    private static readonly AssemblerRegister64 Source = rdx;
    private static readonly AssemblerRegister64 Result = r8;
    private static readonly AssemblerRegister64 Near = r9;
    private static readonly AssemblerRegister64 Far = r10;
    private static readonly AssemblerRegister64 Rows = r11;

    private readonly Assembler _code = new(64);

    /// <summary>The bytes.</summary>
    public byte[] Assemble()
    {
        Enter();
        Label row = _code.CreateLabel();
        Label next = _code.CreateLabel();
        _code.Label(ref row);
        _code.mov(Left, Argument(Field.Columns));
        _code.neg(Left);
        AddSteps();
        AddRest(next);
        _code.Label(ref next);
        _code.add(Source, Argument(Field.SourceStep));
        _code.add(Near, Argument(Field.SourceStep));
        _code.add(Far, Argument(Field.SourceStep));
        _code.add(Result, Argument(Field.ResultStep));
        _code.dec(Rows);
        _code.jnz(row);
        _code.vzeroupper();
        _code.ret();
        using var stream = new MemoryStream();
        _code.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }

    private void Enter()
    {
        _code.endbr64();
        _code.mov(Arguments, rdi);
        _code.mov(Left, Argument(Field.Columns));
        _code.mov(Source, Argument(Field.Source));
        _code.lea(Source, __[Source + (Left * HalfBytes)]);
        _code.mov(Result, Argument(Field.Result));
        _code.lea(Result, __[Result + (Left * FloatBytes)]);
        _code.mov(Near, Argument(Field.Near));
        _code.add(Near, Source);
        _code.mov(Far, Argument(Field.Far));
        _code.add(Far, Source);
        _code.mov(Rows, Argument(Field.Rows));
    }

    /// <summary>16 elements at a time while there are so many.</summary>
    private void AddSteps()
    {
        Label step = _code.CreateLabel();
        Label behind = _code.CreateLabel();
        _code.cmp(Left, -Step);
        _code.jg(behind);
        _code.Label(ref step);
        _code.prefetcht0(__byte_ptr[Near + (Left * HalfBytes)]);
        _code.prefetcht1(__byte_ptr[Far + (Left * HalfBytes)]);
        if (bits == 512)
        {
            _code.vcvtph2ps(zmm0, __ymmword_ptr[Source + (Left * HalfBytes)]);
            _code.vmovups(__[Result + (Left * FloatBytes)], zmm0);
        }
        else
        {
            _code.vcvtph2ps(ymm0, __xmmword_ptr[Source + (Left * HalfBytes)]);
            _code.vcvtph2ps(ymm1, __xmmword_ptr[Source + (Left * HalfBytes) + (HalfStep * HalfBytes)]);
            _code.vmovups(__[Result + (Left * FloatBytes)], ymm0);
            _code.vmovups(__[Result + (Left * FloatBytes) + (HalfStep * FloatBytes)], ymm1);
        }

        _code.add(Left, Step);
        _code.cmp(Left, -Step);
        _code.jle(step);
        _code.Label(ref behind);
    }

    /// <summary>Up to 15 elements.</summary>
    private void AddRest(Label next)
    {
        Label behind = _code.CreateLabel();
        Label single = _code.CreateLabel();
        _code.cmp(Left, -HalfStep);
        _code.jg(behind);
        _code.vcvtph2ps(ymm0, __xmmword_ptr[Source + (Left * HalfBytes)]);
        _code.vmovups(__[Result + (Left * FloatBytes)], ymm0);
        _code.add(Left, HalfStep);
        _code.Label(ref behind);
        _code.test(Left, Left);
        _code.je(next);
        _code.Label(ref single);
        _code.vpxor(xmm0, xmm0, xmm0);
        _code.vpinsrw(xmm0, xmm0, __word_ptr[Source + (Left * HalfBytes)], 0);
        _code.vcvtph2ps(xmm0, xmm0);
        _code.vmovss(__dword_ptr[Result + (Left * FloatBytes)], xmm0);
        _code.inc(Left);
        _code.jnz(single);
    }

    private static AssemblerMemoryOperand Argument(Field field) => __qword_ptr[Arguments + ((int)field * sizeof(long))];

    /// <summary>The fields of <c>HalfWideningArguments</c>, eight bytes each.</summary>
    private enum Field
    {
        Source,
        SourceStep,
        Result,
        ResultStep,
        Columns,
        Rows,
        Near,
        Far,
    }
}
