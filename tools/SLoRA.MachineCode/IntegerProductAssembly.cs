using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace SLoRA.MachineCode;

/// <summary>
/// Machine code of the product of integers in 512 bits: R rows of x times P panels of weights. With VPDPWSSD, which multiplies pairs of
/// 16-bit integers and adds both products to a 32-bit sum in one instruction, or with VPDPBUSD, which does so with four bytes, unsigned
/// ones of weights and signed ones of x.
/// </summary>
/// <remarks>
/// It is called with the address of <c>IntegerProductArguments</c>, calls nothing, and touches no memory but what those arguments name and
/// its own stack. The arithmetic is that of <c>Int8Kernels512</c>: the sums of a group are exact integers, which begin at 0 for pairs, at
/// what the row has for the group for bytes; behind the group each becomes fp32, and
/// <c>result = fma(sum, scale of the weights × scale of the row, result)</c>.
/// </remarks>
/// <param name="rows">R, 4 or 8.</param>
/// <param name="panels">P; R · P is at most 24.</param>
/// <param name="ofBytes">Whether integers are bytes, four to a word, in place of two of 16 bits.</param>
internal sealed class IntegerProductAssembly(int rows, int panels, bool ofBytes)
{
    /// <summary>Where the calling convention of Windows begins: behind the move of the argument that the other one needs.</summary>
    public const int WindowsEntry = 7;

    private const int VectorBytes = 64;
    private const int UnrolledWords = 2;

    // What calls need not keep, in both calling conventions, comes first; xmm6 to xmm15 are kept for Windows.
    private static readonly AssemblerRegisterZMM[] Vectors =
    [
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
    ];

    private static readonly AssemblerRegisterXMM[] Kept = [xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15];
    private static readonly AssemblerRegister64[] KeptGeneral = [rbx, rbp, rsi, rdi, r12, r13, r14, r15];

    // x and what leads to its rows.
    private static readonly AssemblerRegister64 X = rax;
    private static readonly AssemblerRegister64 X4 = rbx;
    private static readonly AssemblerRegister64 Stride = rdx;
    private static readonly AssemblerRegister64 Stride3 = rsi;

    // The same of the scales of the rows.
    private static readonly AssemblerRegister64 Scales = r8;
    private static readonly AssemblerRegister64 Scales4 = rdi;
    private static readonly AssemblerRegister64 ScaleStride = r9;
    private static readonly AssemblerRegister64 ScaleStride3 = r12;

    private static readonly AssemblerRegister64 Weights = r10;
    private static readonly AssemblerRegister64 PanelBytes = r11;
    private static readonly AssemblerRegister64 PanelBytes3 = rbp;
    private static readonly AssemblerRegister64 Arguments = rcx;
    private static readonly AssemblerRegister64 Groups = r13;
    private static readonly AssemblerRegister64 Words = r14;
    private static readonly AssemblerRegister64 Ahead = r15;

    private readonly Assembler _code = new(64);

    /// <summary>Bytes of the weights of a word of x, for 16 outputs.</summary>
    private int WordBytes => ofBytes ? 64 : 32;

    /// <summary>What a row has for a group: its scale, and with bytes where its sums begin.</summary>
    private int GroupOfRow => ofBytes ? sizeof(float) + sizeof(int) : sizeof(float);

    /// <summary>Cache lines that are asked for with the words of a step: as many as several panels may need.</summary>
    private int LinesAhead => (panels > 1 ? 2 : 1) * (ofBytes ? 2 : 1);

    private int Sums => rows * panels;

    private int UsedVectors => Sums + panels + 2;

    private int KeptVectors => Math.Max(0, UsedVectors - (Vectors.Length - Kept.Length));

    /// <summary>The bytes.</summary>
    public byte[] Assemble()
    {
        Enter();
        _code.vpxord(Vectors[0], Vectors[0], Vectors[0]);
        _code.mov(Words, Argument(Field.Result));
        for (int i = 0; i < Sums; i++)
        {
            _code.vmovups(__[Words + (i * VectorBytes)], Vectors[0]);
        }

        Label group = _code.CreateLabel();
        _code.Label(ref group);
        AddWords();
        AddGroup();
        _code.dec(Groups);
        _code.jnz(group);
        Leave();
        using var bytes = new MemoryStream();
        _code.Assemble(new StreamCodeWriter(bytes), 0);
        return bytes.ToArray();
    }

    private void Enter()
    {
        _code.endbr64();
        _code.mov(Arguments, rdi);
        foreach (AssemblerRegister64 register in KeptGeneral)
        {
            _code.push(register);
        }

        if (KeptVectors > 0)
        {
            _code.sub(rsp, KeptVectors * 16);
            for (int i = 0; i < KeptVectors; i++)
            {
                _code.vmovups(__[rsp + (i * 16)], Kept[i]);
            }
        }

        _code.mov(X, Argument(Field.X));
        _code.mov(Stride, Argument(Field.Stride));
        _code.mov(Scales, Argument(Field.Scales));
        _code.mov(ScaleStride, Argument(Field.ScaleStride));
        _code.mov(Weights, Argument(Field.Weights));
        _code.mov(PanelBytes, Argument(Field.PanelBytes));
        _code.mov(Groups, Argument(Field.Groups));
        _code.mov(Ahead, Argument(Field.Ahead));
        _code.lea(Stride3, __[Stride + (Stride * 2)]);
        _code.lea(ScaleStride3, __[ScaleStride + (ScaleStride * 2)]);
        _code.lea(PanelBytes3, __[PanelBytes + (PanelBytes * 2)]);
        if (rows > 4)
        {
            _code.lea(X4, __[X + (Stride * 4)]);
            _code.lea(Scales4, __[Scales + (ScaleStride * 4)]);
        }
    }

    /// <summary>The integer sums of a group: two words of each row at a time.</summary>
    private void AddWords()
    {
        for (int i = 0; i < Sums; i++)
        {
            if (ofBytes)
            {
                AssemblerMemoryOperand row = Row(Scales, Scales4, ScaleStride, ScaleStride3, i / panels) + sizeof(float);
                _code.vpbroadcastd(Vectors[i], __dword_ptr[row]);
            }
            else
            {
                _code.vpxord(Vectors[i], Vectors[i], Vectors[i]);
            }
        }

        _code.mov(Words, Argument(Field.Words));
        Label words = _code.CreateLabel();
        _code.Label(ref words);
        for (int line = 0; line < LinesAhead; line++)
        {
            _code.prefetcht1(__byte_ptr[Ahead + (line * VectorBytes)]);
        }

        _code.add(Ahead, Argument(Field.AheadStep));
        for (int word = 0; word < UnrolledWords; word++)
        {
            for (int panel = 0; panel < panels; panel++)
            {
                if (ofBytes)
                {
                    _code.vmovups(Weight(panel), Panel(panel, word * WordBytes));
                }
                else
                {
                    _code.vpmovsxbw(Weight(panel), Panel(panel, word * WordBytes));
                }
            }

            for (int row = 0; row < rows; row++)
            {
                // Two registers in turn, so that a row's number need not wait for the products of the one before.
                AssemblerRegisterZMM x = Other(row % 2);
                _code.vpbroadcastd(x, __dword_ptr[Row(X, X4, Stride, Stride3, row) + (word * sizeof(int))]);
                for (int panel = 0; panel < panels; panel++)
                {
                    if (ofBytes)
                    {
                        _code.vpdpbusd(Sum(row, panel), Weight(panel), x);
                    }
                    else
                    {
                        _code.vpdpwssd(Sum(row, panel), Weight(panel), x);
                    }
                }
            }
        }

        _code.add(Weights, UnrolledWords * WordBytes);
        _code.add(X, UnrolledWords * sizeof(int));
        if (rows > 4)
        {
            _code.add(X4, UnrolledWords * sizeof(int));
        }

        _code.sub(Words, UnrolledWords);
        _code.jnz(words);
    }

    /// <summary>The sums of a group times their scales onto the result.</summary>
    private void AddGroup()
    {
        _code.mov(Words, Argument(Field.Result));
        for (int panel = 0; panel < panels; panel++)
        {
            _code.vmovups(Weight(panel), Panel(panel, 0));
        }

        for (int row = 0; row < rows; row++)
        {
            _code.vbroadcastss(Other(0), __dword_ptr[Row(Scales, Scales4, ScaleStride, ScaleStride3, row)]);
            for (int panel = 0; panel < panels; panel++)
            {
                AssemblerRegisterZMM sum = Sum(row, panel);
                AssemblerMemoryOperand result = __zmmword_ptr[Words + (((row * panels) + panel) * VectorBytes)];
                _code.vcvtdq2ps(sum, sum);
                _code.vmulps(Other(1), Weight(panel), Other(0));
                _code.vfmadd213ps(sum, Other(1), result);
                _code.vmovups(result, sum);
            }
        }

        _code.add(Weights, VectorBytes);
        _code.add(Scales, GroupOfRow);
        if (rows > 4)
        {
            _code.add(Scales4, GroupOfRow);
        }
    }

    private void Leave()
    {
        if (KeptVectors > 0)
        {
            for (int i = 0; i < KeptVectors; i++)
            {
                _code.vmovups(Kept[i], __[rsp + (i * 16)]);
            }

            _code.add(rsp, KeptVectors * 16);
        }

        foreach (AssemblerRegister64 register in KeptGeneral.Reverse())
        {
            _code.pop(register);
        }

        _code.vzeroupper();
        _code.ret();
    }

    private AssemblerRegisterZMM Sum(int row, int panel) => Vectors[(row * panels) + panel];

    private AssemblerRegisterZMM Weight(int panel) => Vectors[Sums + panel];

    private AssemblerRegisterZMM Other(int index) => Vectors[Sums + panels + index];

    private static AssemblerMemoryOperand Argument(Field field) => __qword_ptr[Arguments + ((int)field * sizeof(long))];

    private static AssemblerMemoryOperand Panel(int panel, int offset) => panel switch
    {
        0 => __[Weights + offset],
        1 => __[Weights + PanelBytes + offset],
        2 => __[Weights + (PanelBytes * 2) + offset],
        _ => __[Weights + PanelBytes3 + offset],
    };

    private static AssemblerMemoryOperand Row(
        AssemblerRegister64 first, AssemblerRegister64 fifth, AssemblerRegister64 stride, AssemblerRegister64 stride3, int row)
    {
        AssemblerRegister64 from = row < 4 ? first : fifth;
        return (row % 4) switch
        {
            0 => from + 0,
            1 => from + stride,
            2 => from + (stride * 2),
            _ => from + stride3,
        };
    }

    /// <summary>The fields of <c>IntegerProductArguments</c>, eight bytes each.</summary>
    private enum Field
    {
        X,
        Stride,
        Scales,
        ScaleStride,
        Weights,
        PanelBytes,
        Groups,
        Words,
        Result,
        Ahead,
        AheadStep,
    }
}
