using System.Globalization;
using System.Text;
using Iced.Intel;

namespace SLoRA.MachineCode;

/// <summary>C# files that hold machine code as bytes, an instruction per line with its text beside it.</summary>
internal static class Listings
{
    /// <summary>The product of 16-bit integers.</summary>
    public static IntegerProductListing WordProduct { get; } = new("WordProduct", OfBytes: false, [(8, 3), (8, 1), (4, 4), (4, 1)]);

    /// <summary>The product of bytes.</summary>
    public static IntegerProductListing ByteProduct { get; } = new("ByteProduct", OfBytes: true, [(8, 3), (8, 1)]);

    /// <summary>The files of all of them.</summary>
    public static IReadOnlyList<IntegerProductListing> All { get; } = [WordProduct, ByteProduct];

    /// <summary>The text of a file.</summary>
    public static string Text(IntegerProductListing listing)
    {
        var text = new StringBuilder();
        string kind = listing.OfBytes ? "byte" : "word";
        text.Append(CultureInfo.InvariantCulture, $$"""
            namespace SLoRA.Backends.Cpu.MachineCode;

            /// <summary>
            /// The instructions of the {{kind}} product, which <c>tools/SLoRA.MachineCode</c> has written; change them there. A name says
            /// how many rows and panels one call multiplies.
            /// </summary>
            internal static class {{listing.Name}}Code
            {
                /// <summary>Where the calling convention of Windows begins.</summary>
                public const int WindowsEntry = {{IntegerProductAssembly.WindowsEntry}};

            """);
        foreach ((int rows, int panels) in listing.Shapes)
        {
            text.AppendLine();
            string summary = $"{rows} rows, {panels} panel{(panels == 1 ? "" : "s")}.";
            Append(text, $"Rows{rows}Panels{panels}", summary, listing.Assemble(rows, panels));
        }

        return text.Append("}\n").ToString();
    }

    private static void Append(StringBuilder text, string name, string summary, byte[] code)
    {
        text.Append(
            CultureInfo.InvariantCulture, $"    /// <summary>{summary}</summary>\n    public static ReadOnlySpan<byte> {name} =>\n    [\n");
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

/// <summary>A file of the products of integers.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="OfBytes">Whether integers are bytes; else they have 16 bits.</param>
/// <param name="Shapes">Rows and panels that one call multiplies.</param>
internal sealed record IntegerProductListing(string Name, bool OfBytes, IReadOnlyList<(int Rows, int Panels)> Shapes)
{
    /// <summary>The name of the file.</summary>
    public string File => Name + "Code.cs";

    /// <summary>The bytes of a shape.</summary>
    public byte[] Assemble(int rows, int panels) => new IntegerProductAssembly(rows, panels, OfBytes).Assemble();
}
