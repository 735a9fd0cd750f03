using System.IO.Compression;
using System.Reflection.Metadata;
using System.Text;

namespace SLoRA.PublicApi.Tests.Package;

/// <summary>What the symbols say about where the sources are.</summary>
internal static class SourceLink
{
    private static readonly Guid Kind = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");

    /// <summary>The Source Link map of a portable PDB; empty when it has none.</summary>
    public static string Of(ZipArchiveEntry pdb)
    {
        using Stream stream = pdb.Open();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        copy.Position = 0;
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(copy);
        MetadataReader reader = provider.GetMetadataReader();
        return string.Concat(reader.GetCustomDebugInformation(EntityHandle.ModuleDefinition)
            .Select(reader.GetCustomDebugInformation)
            .Where(information => reader.GetGuid(information.Kind) == Kind)
            .Select(information => Encoding.UTF8.GetString(reader.GetBlobBytes(information.Value))));
    }
}
