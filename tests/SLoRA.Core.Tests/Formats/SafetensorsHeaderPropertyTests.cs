using FsCheck;
using FsCheck.Fluent;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

internal sealed class SafetensorsHeaderPropertyTests
{
    private static readonly string[] Dtypes = ["F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4"];

    private static readonly Gen<(string Dtype, long[] Shape)> Tensors =
        from dtype in Gen.Elements(Dtypes)
        from rank in Gen.Choose(0, 4)
        from shape in Gen.Choose(0, 5).Select(size => (long)size).ArrayOf(rank)
        select (dtype, dtype == "F4" ? [.. shape, 2] : shape);

    private static readonly Gen<byte[]> Files = Tensors.ArrayOf().Select(tensors => Write(tensors));

    [SeededProperty(MaxTest = 300)]
    public Property What_is_written_is_read_back() => Prop.ForAll(Tensors.ArrayOf().ToArbitrary(), tensors =>
    {
        byte[] file = Write(tensors);
        SafetensorsHeader header = SafetensorsWriter.Read(file);
        return header.Tensors.Length == tensors.Length
            && Enumerable.Range(0, tensors.Length).All(i =>
            {
                TensorEntry entry = header.Find(Name(i))!;
                return entry.Type == TensorTypes.Parse(tensors[i].Dtype)
                    && entry.Shape.SequenceEqual(tensors[i].Shape)
                    && file.AsSpan((int)entry.Begin, (int)entry.Length).IndexOfAnyExcept((byte)i) < 0;
            })
            && header.Tensors.Sum(entry => entry.Length) == file.Length - header.DataBegin;
    });

    [SeededProperty(MaxTest = 2000)]
    public Property A_damaged_file_is_read_within_bounds_or_refused_and_takes_little_memory()
    {
        Gen<(byte[] File, (int At, byte Value)[] Damage)> cases =
            from file in Files
            from damage in (from at in Gen.Choose(0, file.Length - 1) from value in Gen.Choose(0, 255) select (at, (byte)value))
                .NonEmptyListOf()
            select (file, damage.ToArray());
        return Prop.ForAll(cases.ToArbitrary(), input =>
        {
            byte[] file = [.. input.File];
            foreach ((int at, byte value) in input.Damage)
            {
                file[at] = value;
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            bool fine;
            try
            {
                fine = SafetensorsWriter.Read(file).Tensors.All(entry => entry.Begin >= 8 && entry.Length >= 0
                    && entry.Begin + entry.Length <= file.Length);
            }
            catch (FormatError error)
            {
                fine = error.Kind == LoadErrorKind.File;
            }

            return fine && GC.GetAllocatedBytesForCurrentThread() - before < 100_000 + (64L * file.Length);
        });
    }

    private static byte[] Write((string Dtype, long[] Shape)[] tensors) => SafetensorsWriter.Write(tensors.Select((tensor, i) =>
    {
        long bits = tensor.Shape.Aggregate((long)TensorTypes.Parse(tensor.Dtype)!.Value.ElementBits(), (product, size) => product * size);
        return (Name(i), tensor.Dtype, tensor.Shape, Enumerable.Repeat((byte)i, (int)(bits / 8)).ToArray());
    }));

    private static string Name(int i) => $"layers.{i}.näme";
}
