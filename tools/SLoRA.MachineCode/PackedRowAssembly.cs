using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace SLoRA.MachineCode;

/// <summary>
/// Machine code of the product of one row with a panel of packed weights in 512 bits: the codes of 16 outputs straight from their planes,
/// VPDPBUSD for four products of bytes in each lane.
/// </summary>
/// <remarks>
/// It is called with the address of <c>PackedRowArguments</c>, calls nothing, keeps what either calling convention asks it to keep by not
/// touching it, and reads and writes nothing but what those arguments name. The arithmetic is that of <c>PackedByteKernels</c>: the sums of
/// a group are exact integers that begin where the row says, an activation of two bytes counts 256 · upper + lower; behind the group
/// <c>result = fma(sum, scale of the weights × scale of the row, result)</c>.
/// </remarks>
/// <param name="highBits">Bits of a code beyond the lower four: 0, 1 or 2. Those are found by VPMULTISHIFTQB of AVX512_VBMI.</param>
/// <param name="planes">Planes of nibbles in a group: 4 for 32 inputs, 2 for 16.</param>
/// <param name="bytes">Bytes of an activation: 1 or 2.</param>
internal sealed class PackedRowAssembly(int highBits, int planes, int bytes)
{
    private const int VectorBytes = 64;
    private const int QuadBytes = 4;
    private const int QuadsOfPlane = 2;

    /// <summary>Dest | (second &amp; third), as VPTERNLOGD has it.</summary>
    private const byte OrAnd = 0xF8;

    private static readonly AssemblerRegister64 Arguments = rcx;
    private static readonly AssemblerRegister64 X = rax;
    private static readonly AssemblerRegister64 RowGroups = rdx;
    private static readonly AssemblerRegister64 Weights = r8;
    private static readonly AssemblerRegister64 Fetch = r9;
    private static readonly AssemblerRegister64 Groups = r10;
    private static readonly AssemblerRegister64 Scales = r11;

    // None that a calling convention keeps.
    private static readonly AssemblerRegisterZMM Sum = zmm16;
    private static readonly AssemblerRegisterZMM Four = zmm17;
    private static readonly AssemblerRegisterZMM Bits = zmm18;
    private static readonly AssemblerRegisterZMM High = zmm19;
    private static readonly AssemblerRegisterZMM Scale = zmm20;
    private static readonly AssemblerRegisterZMM Taken = zmm21;
    private static readonly AssemblerRegisterZMM[] Lower = [zmm22, zmm23];
    private static readonly AssemblerRegisterZMM[] Upper = [zmm24, zmm25];
    private static readonly AssemblerRegisterZMM[] Codes = [zmm26, zmm27];
    private static readonly AssemblerRegisterZMM[] Signed = [zmm28, zmm29];
    private static readonly AssemblerRegisterZMM[] Places = [zmm30, zmm31, zmm0, zmm1, zmm2, zmm3, zmm4, zmm5];

    private readonly Assembler _code = new(64);

    /// <summary>The bytes.</summary>
    public byte[] Assemble()
    {
        Enter();
        Label group = _code.CreateLabel();
        _code.Label(ref group);
        AddQuads();
        AddGroup();
        _code.dec(Groups);
        _code.jnz(group);
        _code.mov(X, Argument(Field.Result));
        _code.vmovups(__[X], Sum);
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
        _code.mov(eax, 0x0F0F0F0F);
        _code.vpbroadcastd(Four, eax);
        if (highBits > 0)
        {
            _code.mov(eax, highBits == 1 ? 0x10101010 : 0x30303030);
            _code.vpbroadcastd(Bits, eax);
            for (int i = 0; i < planes * QuadsOfPlane; i++)
            {
                _code.mov(X, PlacesOf(i / QuadsOfPlane, i % QuadsOfPlane));
                _code.vpbroadcastq(Places[i], X);
            }
        }

        _code.mov(X, Argument(Field.Result));
        _code.vmovups(Sum, __[X]);
        _code.mov(X, Argument(Field.X));
        _code.mov(RowGroups, Argument(Field.RowGroups));
        _code.mov(Weights, Argument(Field.Weights));
        _code.mov(Fetch, Argument(Field.Fetch));
        _code.mov(Groups, Argument(Field.Groups));
        _code.mov(Scales, Argument(Field.Scales));
        _code.add(Fetch, Weights);
    }

    /// <summary>
    /// Where a word of 64 bits, four words of 16 of the plane of further bits, has those of a quad of a plane: for each byte the place that
    /// comes to its lowest bit, so that the bits of the code come to bit 4. Words have the bits of all pairs in order.
    /// </summary>
    private long PlacesOf(int plane, int quad)
    {
        ulong places = 0;
        for (int i = 0; i < 8; i++)
        {
            int pair = (4 * plane) + (2 * quad) + (i % 2);
            int place = ((16 * (i / 2)) + (highBits * pair) + 64 - 4) % 64;
            places |= (ulong)place << (8 * i);
        }

        return (long)places;
    }

    /// <summary>The integer sums of a group. The quads of a plane have sums of their own, so that products wait half as long.</summary>
    private void AddQuads()
    {
        _code.vpbroadcastd(Lower[0], __dword_ptr[RowGroups + sizeof(float)]);
        _code.vpxord(Lower[1], Lower[1], Lower[1]);
        if (bytes == 2)
        {
            _code.vpxord(Upper[0], Upper[0], Upper[0]);
            _code.vpxord(Upper[1], Upper[1], Upper[1]);
        }

        if (highBits > 0)
        {
            _code.vmovups(High, __[Weights + (planes * VectorBytes)]);
        }

        for (int plane = 0; plane < planes; plane++)
        {
            AssemblerMemoryOperand nibbles = __zmmword_ptr[Weights + (plane * VectorBytes)];
            _code.prefetcht0(__byte_ptr[Fetch + (plane * VectorBytes)]);
            _code.vpandd(Codes[0], Four, nibbles);
            _code.vpsrlw(Codes[1], nibbles, 4);
            _code.vpandd(Codes[1], Codes[1], Four);
            for (int quad = 0; quad < QuadsOfPlane; quad++)
            {
                if (highBits > 0)
                {
                    _code.vpmultishiftqb(Taken, Places[(plane * QuadsOfPlane) + quad], High);
                    _code.vpternlogd(Codes[quad], Taken, Bits, OrAnd);
                }

                AddQuad(plane, quad);
            }
        }

        // What is behind the nibbles.
        _code.prefetcht0(__byte_ptr[Fetch + (planes * VectorBytes)]);
        if (highBits > 0)
        {
            _code.prefetcht0(__byte_ptr[Fetch + ((planes + 1) * VectorBytes)]);
        }
    }

    private void AddQuad(int plane, int quad)
    {
        int at = ((plane * QuadsOfPlane) + quad) * bytes * QuadBytes;
        if (bytes == 1)
        {
            _code.vpdpbusd(Lower[quad], Codes[quad], __dword_bcst[X + at]);
            return;
        }

        // Lower bytes have no sign, and codes are small enough to have one.
        _code.vpbroadcastd(Signed[quad], __dword_ptr[X + at]);
        _code.vpdpbusd(Lower[quad], Signed[quad], Codes[quad]);
        _code.vpdpbusd(Upper[quad], Codes[quad], __dword_bcst[X + at + QuadBytes]);
    }

    /// <summary>The sums of a group times their scales onto the result.</summary>
    private void AddGroup()
    {
        if (bytes == 2)
        {
            _code.vpaddd(Upper[0], Upper[0], Upper[1]);
            _code.vpslld(Upper[0], Upper[0], 8);
            _code.vpaddd(Lower[0], Lower[0], Upper[0]);
        }

        _code.vpaddd(Lower[0], Lower[0], Lower[1]);
        _code.vmovups(Scale, __[Scales]);
        _code.vmulps(Scale, Scale, __dword_bcst[RowGroups]);
        _code.vcvtdq2ps(Lower[0], Lower[0]);
        _code.vfmadd231ps(Sum, Lower[0], Scale);
        _code.add(Weights, Argument(Field.GroupBytes));
        _code.add(Fetch, Argument(Field.GroupBytes));
        _code.add(X, planes * QuadsOfPlane * bytes * QuadBytes);
        _code.add(RowGroups, sizeof(float) + sizeof(int));
        _code.add(Scales, VectorBytes);
    }

    private static AssemblerMemoryOperand Argument(Field field) => __qword_ptr[Arguments + ((int)field * sizeof(long))];

    /// <summary>The fields of <c>PackedRowArguments</c>, eight bytes each.</summary>
    private enum Field
    {
        X,
        RowGroups,
        Weights,
        GroupBytes,
        Groups,
        Fetch,
        Scales,
        Result,
    }
}
