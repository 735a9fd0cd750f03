using System.Globalization;
using System.Text;
using Iced.Intel;

namespace SLoRA.MachineCode;

/// <summary>C# files that hold machine code as bytes, an instruction per line with its text beside it.</summary>
internal static class Listings
{
    /// <summary>The name of the file of <see cref="WordProduct"/>.</summary>
    public const string WordProductFile = "WordProductCode.cs";

    /// <summary>The shapes of the word product: rows and panels that one call multiplies.</summary>
    public static IReadOnlyList<(int Rows, int Panels)> WordProductShapes { get; } = [(8, 3), (8, 1), (4, 4), (4, 1)];

    /// <summary>The file of the word product.</summary>
    public static string WordProduct()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            namespace SLoRA.Backends.Cpu.MachineCode;

            /// <summary>
            /// The instructions of the word product, which <c>tools/SLoRA.MachineCode</c> has written; change them there. A name says how
            /// many rows and panels one call multiplies.
            /// </summary>
            internal static class WordProductCode
            {
                /// <summary>Where the calling convention of Windows begins.</summary>
                public const int WindowsEntry = {{WordProductAssembly.WindowsEntry}};

            """);
        foreach ((int rows, int panels) in WordProductShapes)
        {
            text.AppendLine();
            string summary = $"{rows} rows, {panels} panel{(panels == 1 ? "" : "s")}.";
            Append(text, $"Rows{rows}Panels{panels}", summary, new WordProductAssembly(rows, panels).Assemble());
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
