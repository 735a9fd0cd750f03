using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU.Backends.PTX;

namespace SLoRA.Backends.Gpu;

/// <summary>What is changed in the text of a kernel for NVIDIA's devices before the driver gets it.</summary>
internal static partial class PtxText
{
    private static readonly FieldInfo _text =
        typeof(PTXCompiledKernel).GetField("<PTXAssembly>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new NotSupportedException("This version of ILGPU keeps a kernel's text elsewhere.");

    /// <summary>
    /// Finishes a text: accesses that name no memory name the device's, and functions that nobody calls go. At O1 ILGPU leaves the memory
    /// of every access but shared ones open, which costs a check of each address; no kernel of ours hands out a pointer into shared memory,
    /// so what is open is the device's. The bodies of intrinsics are written out as functions although only their instructions are used.
    /// </summary>
    public static void Finish(PTXCompiledKernel kernel)
    {
        string text = Function().Replace(kernel.PTXAssembly, "");
        _text.SetValue(kernel, OpenAccess().Replace(text, "$1$2.global$3"));
    }

    /// <summary>ld, st, atom and red whose name goes on with no memory.</summary>
    [GeneratedRegex(@"^(\s*(?:@!?%p\d+\s+)?)(ld|st|atom|red)(\.(?!global|shared|local|param|const|async))", RegexOptions.Multiline)]
    private static partial Regex OpenAccess();

    [GeneratedRegex(@"^\.visible \.func .*?^\}\s*", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Function();
}
