using FsCheck;
using FsCheck.Fluent;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;

namespace SLoRA.Core.Tests.Formats.Gguf;

internal sealed class GgufHeaderPropertyTests
{
    private static readonly uint[] Types = [0, 1, 2, 8, 12, 14, 30];

    private static readonly Gen<(uint Type, long[] Shape)[]> Tensors =
        (from type in Gen.Elements(Types)
         from rank in Gen.Choose(0, 3)
         from outer in Gen.Choose(1, 4).Select(size => (long)size).ArrayOf(rank)
         from blocks in Gen.Choose(1, 3)
         select (type, (long[])[.. outer, blocks * (long)GgufTypes.Of(type)!.BlockElements])).ArrayOf();

    private static readonly Gen<int> Alignments = Gen.Elements(8, 32, 64);

    [SeededProperty(MaxTest = 300)]
    public Property What_is_written_is_read_back() => Prop.ForAll(
        (from tensors in Tensors from alignment in Alignments select (tensors, alignment)).ToArbitrary(), input =>
    {
        byte[] file = Write(input.tensors, input.alignment);
        GgufHeader header = GgufHeader.Read(new MemoryStream(file), "model.gguf");
        return header.Metadata.Text("general.architecture") == "llämä"
            && header.Metadata.OptionalTexts("tokens")!.Value.SequenceEqual(["a", "", "çé"])
            && header.Metadata.OptionalIntegers("types")!.Value.SequenceEqual([1L, -2, 3])
            && header.Metadata.OptionalBool("flag") is true
            && header.Metadata.OptionalNumber("epsilon", 0, 1) is 0.25
            && header.Tensors.Length == input.tensors.Length
            && Enumerable.Range(0, input.tensors.Length).All(i =>
            {
                GgufTensor tensor = header.Tensors[i];
                return tensor.Name == Name(i) && tensor.Type == GgufTypes.Of(input.tensors[i].Type)
                    && tensor.Shape.SequenceEqual(input.tensors[i].Shape) && tensor.Begin % input.alignment == 0
                    && file.AsSpan((int)tensor.Begin, (int)tensor.Length).IndexOfAnyExcept((byte)(i + 1)) < 0;
            });
    });

    [SeededProperty(MaxTest = 2000)]
    public Property A_damaged_file_is_read_within_bounds_or_refused_and_takes_little_memory()
    {
        Gen<(byte[] File, (int At, byte Value)[] Damage, int Cut)> cases =
            from tensors in Tensors
            from alignment in Alignments
            let file = Write(tensors, alignment)
            from damage in (from at in Gen.Choose(0, Math.Min(file.Length, 400) - 1)
                            from value in Gen.Choose(0, 255)
                            select (at, (byte)value)).NonEmptyListOf()
            from cut in Gen.Choose(0, 3)
            select (file, damage.ToArray(), cut == 0 ? file.Length / 2 : file.Length);
        return Prop.ForAll(cases.ToArbitrary(), input =>
        {
            byte[] file = [.. input.File.Take(input.Cut)];
            foreach ((int at, byte value) in input.Damage.Where(damage => damage.At < file.Length))
            {
                file[at] = value;
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            bool fine;
            try
            {
                fine = GgufHeader.Read(new MemoryStream(file), "model.gguf").Tensors.All(
                    tensor => tensor.Begin >= 24 && tensor.Length >= 0 && tensor.Begin + tensor.Length <= file.Length);
            }
            catch (FormatError error)
            {
                fine = error.Kind is LoadErrorKind.File or LoadErrorKind.Config;
            }

            return fine && GC.GetAllocatedBytesForCurrentThread() - before < 200_000 + (64L * file.Length);
        });
    }

    private static byte[] Write((uint Type, long[] Shape)[] tensors, int alignment)
    {
        GgufWriter writer = new GgufWriter { Alignment = alignment }
            .Key("general.architecture", "llämä").Key("general.alignment", (uint)alignment).Key("tokens", "a", "", "çé")
            .Key("types", 1, -2, 3).Key("flag", true).Key("epsilon", 0.25f);
        for (int i = 0; i < tensors.Length; i++)
        {
            GgufType type = GgufTypes.Of(tensors[i].Type)!;
            long elements = tensors[i].Shape.Aggregate(1L, static (product, size) => product * size);
            byte[] bytes = [.. Enumerable.Repeat((byte)(i + 1), (int)(elements / type.BlockElements * type.BlockBytes))];
            writer.Tensor(Name(i), tensors[i].Type, bytes, tensors[i].Shape);
        }

        return writer.Write();
    }

    private static string Name(int i) => $"blk.{i}.näme";
}
