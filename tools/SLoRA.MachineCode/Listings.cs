using System.Globalization;
using System.Text;
using Iced.Intel;

namespace SLoRA.MachineCode;

/// <summary>C# files that hold machine code as bytes, an instruction per line with its text beside it.</summary>
internal static class Listings
{
    private const string RowsAndPanels = "how many rows and panels one call multiplies";

    /// <summary>The files of all of them.</summary>
    public static IReadOnlyList<CodeListing> All { get; } =
    [
        new("WordProduct", "word product", RowsAndPanels, [Words(8, 3), Words(8, 1), Words(4, 4), Words(4, 1)]),
        new("ByteProduct", "byte product", RowsAndPanels, [Bytes(8, 3), Bytes(8, 1)]),
        new("PackedRow", "product of one row with packed weights", "how many bits codes and activations have, and groups inputs",
            [
                .. from codes in ((int HighBits, int Planes)[])[(0, 4), (0, 2), (1, 4), (2, 2)]
                from bytes in (int[])[1, 2]
                select PackedRow(codes.HighBits, codes.Planes, bytes),
            ]),
        new("HalfWidening", "widening of half precision", "how many bits vectors have", [Halves(256), Halves(512)]),
    ];

    /// <summary>The text of a file.</summary>
    public static string Text(CodeListing listing)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            namespace SLoRA.Backends.Cpu.MachineCode;

            /// <summary>
            /// The instructions of the {{listing.What}}, which <c>tools/SLoRA.MachineCode</c> has written; change
            /// them there. A name says {{listing.Names}}.
            /// </summary>
            internal static class {{listing.Name}}Code
            {
                /// <summary>Where the calling convention of Windows begins.</summary>
                public const int WindowsEntry = {{IntegerProductAssembly.WindowsEntry}};

            """);
        foreach (CodeEntry entry in listing.Entries)
        {
            text.AppendLine();
            Append(text, entry);
        }

        return text.Append("}\n").ToString();
    }

    private static CodeEntry Words(int rows, int panels) => Integers(rows, panels, ofBytes: false);

    private static CodeEntry Bytes(int rows, int panels) => Integers(rows, panels, ofBytes: true);

    private static CodeEntry Integers(int rows, int panels, bool ofBytes) => new(
        $"Rows{rows}Panels{panels}", $"{rows} rows, {panels} panel{(panels == 1 ? "" : "s")}.",
        () => new IntegerProductAssembly(rows, panels, ofBytes).Assemble(), ofBytes ? Mnemonic.Vpdpbusd : Mnemonic.Vpdpwssd,
        2 * rows * panels);

    private static CodeEntry PackedRow(int highBits, int planes, int bytes) => new(
        $"Codes{4 + highBits}Activations{8 * bytes}Groups{8 * planes}",
        $"Codes of {4 + highBits} bits, activations of {8 * bytes}, groups of {8 * planes} inputs.",
        () => new PackedRowAssembly(highBits, planes, bytes).Assemble(), Mnemonic.Vpdpbusd, 2 * planes * bytes);

    private static CodeEntry Halves(int bits) => new(
        $"Bits{bits}", $"Vectors of {bits} bits.", () => new HalfWideningAssembly(bits).Assemble(), Mnemonic.Vcvtph2ps,
        (512 / bits) + HalfWideningAssembly.Rests);

    private static void Append(StringBuilder text, CodeEntry entry)
    {
        byte[] code = entry.Assemble();
        text.Append(
            CultureInfo.InvariantCulture,
            $"    /// <summary>{entry.Summary}</summary>\n    public static ReadOnlySpan<byte> {entry.Name} =>\n    [\n");
        var decoder = Iced.Intel.Decoder.Create(64, code, 0);
        var formatter = new NasmFormatter();
        var output = new StringOutput();
        while (decoder.IP < (ulong)code.Length)
        {
            int begin = (int)decoder.IP;
            Instruction instruction = decoder.Decode();
            formatter.Format(instruction, output);
            string bytes = string.Join(" ", code.AsSpan(begin, instruction.Length).ToArray().Select(value => $"0x{value:X2},"));
            text.Append(CultureInfo.InvariantCulture, $"        {bytes} // {begin:x4} {output.ToStringAndReset()}\n");
        }

        text.Append("    ];\n");
    }
}

/// <summary>A file of machine code.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="What">What it computes.</param>
/// <param name="Names">What the name of an entry says.</param>
/// <param name="Entries">What may be called.</param>
internal sealed record CodeListing(string Name, string What, string Names, IReadOnlyList<CodeEntry> Entries)
{
    /// <summary>The name of the file.</summary>
    public string File => Name + "Code.cs";
}

/// <summary>Code that may be called.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Summary">What it is for.</param>
/// <param name="Assemble">Makes the bytes.</param>
/// <param name="Product">The instruction that it is there for.</param>
/// <param name="Products">How often the code has it.</param>
internal sealed record CodeEntry(string Name, string Summary, Func<byte[]> Assemble, Mnemonic Product, int Products);
