namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// The product of bytes with another instruction that .NET does not expose: VPDPBUSD of AVX512_VNNI, four products of an unsigned byte of
/// the weights and a signed one of x in each lane. Mapped by <see cref="WordProducts"/>.
/// </summary>
/// <remarks>A call takes some microseconds, in which no garbage collection can begin.</remarks>
internal sealed unsafe class ByteProducts
{
    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows8Panels3;
    private readonly delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void> _rows8Panels1;

    /// <summary>Takes the code.</summary>
    /// <param name="code">Where its first shape is entered: both files of code have their entries at the same place.</param>
    public ByteProducts(byte* code)
    {
        _rows8Panels3 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
        code += ByteProductCode.Rows8Panels3.Length;
        _rows8Panels1 = (delegate* unmanaged[SuppressGCTransition]<IntegerProductArguments*, void>)code;
    }

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
}
