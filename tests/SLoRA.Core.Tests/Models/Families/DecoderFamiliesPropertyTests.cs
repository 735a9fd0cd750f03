using FsCheck;
using FsCheck.Fluent;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;

namespace SLoRA.Core.Tests.Models.Families;

internal sealed class DecoderFamiliesPropertyTests
{
    private static readonly byte[][] Configs =
    [
        .. Directory.GetDirectories(RepositoryFolder.Fixtures, "core-*").Order(StringComparer.Ordinal)
            .Select(folder => File.ReadAllBytes(Path.Combine(folder, "model", "config.json"))),
    ];

    // Bytes that keep a damaged configuration close to JSON, so that more than its parser is tried.
    private static readonly Gen<byte> Bytes = Gen.OneOf(
        Gen.Elements("0123456789-.eE\"{}[]:, tfn"u8.ToArray()), Gen.Choose(0, 255).Select(value => (byte)value));

    [SeededProperty(MaxTest = 2000)]
    public Property A_damaged_configuration_gives_a_description_within_bounds_or_is_refused()
    {
        Gen<byte[]> damaged =
            from config in Gen.Elements(Configs)
            from changes in (from at in Gen.Choose(0, config.Length - 1) from value in Bytes select (at, value)).NonEmptyListOf()
            select Change(config, changes);
        return Prop.ForAll(damaged.ToArbitrary(), config =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            bool fine;
            try
            {
                DecoderDescription decoder = DecoderFamilies.Describe(ConfigDocument.Parse(config, "config.json"));
                fine = decoder.Layers.Length is > 0 and <= 4096
                    && decoder.Layers[0].Attention.Rope.InverseFrequencies.Length * 2 == decoder.Layers[0].Attention.Shape.HeadDim
                    && decoder.Layers[0].Attention.Rope.InverseFrequencies.All(float.IsFinite)
                    && DecoderModules.Of(decoder).Targets.All(target => target.InFeatures > 0 && target.OutFeatures > 0);
            }
            catch (FormatError error)
            {
                fine = error.File == "config.json" && error.Kind is LoadErrorKind.Config or LoadErrorKind.Incompatible;
            }

            return fine && GC.GetAllocatedBytesForCurrentThread() - before < 32 << 20;
        });
    }

    private static byte[] Change(byte[] config, IEnumerable<(int At, byte Value)> changes)
    {
        byte[] changed = [.. config];
        foreach ((int at, byte value) in changes)
        {
            changed[at] = value;
        }

        return changed;
    }
}
